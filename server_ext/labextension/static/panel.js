// The side panel: the environment of the notebook in front, what is in it, and what can be done to it.

import { AddPackage } from './add.js';
import { Changes } from './changes.js';
import { HistoryList } from './history.js';
import { Packages } from './packages.js';
import { button, element, environmentSuffix, reasonsOf, stateWords } from './words.js';

const MENDS = { 'stale': 'Lock and install', 'no-lock': 'Lock and install', 'not-installed': 'Install' };

/** Puts the panel together. `choose` opens the chooser, `trust` the dialog that asks for an approval. */
export function environmentPanel(Widget, current, { choose, trust }) {
  const live = element('div', { class: 'pixi-live', role: 'status', 'aria-live': 'polite' });
  const say = text => { live.textContent = text; };
  const head = element('header', { class: 'pixi-head' });
  const changes = new Changes(current, say);
  const add = new AddPackage(current, changes);
  const packages = new Packages(current, changes);
  const history = new HistoryList(current, changes);
  const rest = element('div', { class: 'pixi-rest' }, add.node, packages.node, history.node);
  const widget = new Widget({
    node: element('div', { class: 'pixi-panel', role: 'region', 'aria-label': 'Pixi environment' }, head, changes.node, live, rest)
  });

  let drawn = ''; // what the lists were asked for last: a cell that changed nothing asks for nothing
  const show = () => {
    const { status, panel, subject } = current;
    head.replaceChildren(...header(status, panel, { choose, trust, changes }));
    rest.hidden = !panel || !subject || !status || Boolean(status.trust);
    const key = JSON.stringify([subject, status && [status.state, status.lock_digest, status.packages, status.workspace]]);
    if (!widget.isVisible || key === drawn) return;
    if (status && (status.state === 'solving' || status.state === 'installing')) return;
    drawn = key;
    packages.refresh();
    history.refresh();
  };
  current.changed.connect(show);
  widget.onAfterShow = show;
  show();
  return widget;
}

/** Name, state, reasons, and the buttons that fit the state. */
function header(status, panel, { choose, trust, changes }) {
  if (!panel) return [element('p', {}, 'Open a notebook to see its environment.')];
  if (!status) return [element('p', {}, 'looking …')];
  const [words, mark] = stateWords(status);
  const name = status.workspace ? status.workspace + environmentSuffix(status) : 'No environment';
  const act = [];
  if (status.trust) act.push(button('Approve …', trust, { class: 'pixi-button pixi-main' }));
  if (MENDS[status.state]) act.push(button(`${MENDS[status.state]} …`, () => changes.propose(MENDS[status.state], { command: 'install' })));
  act.push(button('Choose environment …', choose, { 'aria-haspopup': 'dialog' }));
  return [
    element('h2', {}, name),
    element('p', { class: 'pixi-state', 'data-state': status.state }, `${words} ${mark}`.trim()),
    ...reasonsOf(status).map(reason => element('p', { class: 'pixi-dim' }, reason)),
    element('div', { class: 'pixi-row' }, act)
  ];
}
