// The dialog that chooses the environment of a notebook: one of its project, or of the manifest that it carries.

import { tableOf } from './current.js';
import { element, stateWords } from './words.js';

/** What can be chosen: `{label, state, table, kernel, current}`, where `table` is what the notebook's metadata shall
 * say and `kernel` the kernel to run it in.
 */
async function choices(current) {
  const { panel, server, kernelName } = current;
  const { path } = panel.context;
  const { environment } = tableOf(panel);
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const carries = tableOf(panel).manifest !== undefined;
  const places = carries ? [path, folder] : [path];
  const found = [];
  for (const place of places) {
    const isOwn = carries && place === path;
    const ask = () => server.get('environments', { path: place }).catch(error => {
      if (places.length > 1 && !isOwn) return { environments: [] }; // it lies in no project
      throw error;
    });
    let answer = await ask();
    if (carries && !isOwn && answer.environments.some(({ kernelspec }) => !kernelspec)) {
      await current.lookAgain(); // its entries in the kernel picker are not there yet
      answer = await ask();
    }
    for (const { name, kernelspec, state } of answer.environments) {
      // the notebook's own manifest goes before its folder's: only an entry of the kernel picker says otherwise
      const viaEntry = carries && !isOwn;
      if (viaEntry && !kernelspec) continue;
      found.push({
        label: isOwn ? `this notebook's own (${name})` : `${answer.workspace} (${name})`,
        state,
        environment: viaEntry ? null : name,
        kernel: viaEntry ? kernelspec : 'pixi',
        current: kernelspec === kernelName || (kernelName === 'pixi' && !viaEntry && name === (environment || 'default'))
      });
    }
  }
  return found;
}

/** The notebook's environment, kept where every client finds it: in its metadata. */
function write(panel, environment) {
  const { model } = panel.context;
  const { environment: before, ...rest } = tableOf(panel);
  if (environment === (before || 'default')) return;
  const table = environment === 'default' ? rest : { ...rest, environment };
  if (Object.keys(table).length) model.setMetadata('pixi', table);
  else model.deleteMetadata('pixi');
}

/** Opens the dialog and does what was chosen. */
export async function chooseEnvironment(current, { showDialog, showErrorMessage, Dialog }, Widget) {
  const { panel } = current;
  if (!panel) return;
  let offered;
  try {
    offered = await choices(current);
  } catch (error) {
    await showErrorMessage('The environments cannot be listed', [error.message, ...(error.hints || [])].join('\n'));
    return;
  }
  const rows = offered.map((choice, index) => {
    const [words, mark] = stateWords(choice);
    return element('label', { class: 'pixi-choice' },
      element('input', { type: 'radio', name: 'pixi-choice', value: index, checked: choice.current ? '' : null }),
      element('span', {}, choice.label), element('span', { class: 'pixi-dim' }, `${words} ${mark}`.trim()));
  });
  const body = new Widget({
    node: element('fieldset', { class: 'pixi-choices' },
      element('legend', {}, 'The notebook\'s kernel starts again in:'),
      rows.length ? rows : element('p', {}, 'There is no environment yet. The first package that you add makes one.'),
      !offered.some(choice => choice.environment === null) ? null : element('p', { class: 'pixi-dim' },
        'With an environment of the project the notebook keeps the manifest that it carries, for a kernel of its own later.'))
  });
  body.getValue = () => {
    const picked = body.node.querySelector('input:checked');
    return picked ? offered[Number(picked.value)] : null;
  };
  const answer = await showDialog({
    title: 'Environment of this notebook',
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Use It' })],
    focusNodeSelector: offered.some(choice => choice.current) ? 'input:checked' : 'input'
  });
  if (answer.button.accept && answer.value && !answer.value.current) await use(panel, answer.value);
  await current.refresh();
}

/** Starts the notebook's kernel in what was chosen; the file is saved first, since the kernel finds its environment
 * there.
 */
async function use(panel, choice) {
  if (choice.environment !== null) {
    write(panel, choice.environment);
    if (panel.context.model.dirty && !panel.context.model.readOnly) await panel.context.save();
  }
  await panel.sessionContext.changeKernel({ name: choice.kernel });
}
