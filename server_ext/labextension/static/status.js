// The environment in a few words: an item of the status bar, or of a notebook's toolbar.

import { element, environmentSuffix, reasonsOf, stateWords } from './words.js';

/** A widget whose button shows the state and calls `onClick`. Screen readers are told when the state is another one. */
export function statusWidget(Widget, current, onClick) {
  const node = element('button', { type: 'button', class: 'pixi-status', onclick: onClick, 'aria-haspopup': 'dialog' });
  const spoken = element('span', { class: 'pixi-hidden', role: 'status' });
  const widget = new Widget({ node: element('div', { class: 'pixi-status-item' }, node, spoken) });
  const show = () => {
    const { status, panel } = current;
    widget.setHidden(!panel);
    if (!panel || !status) return;
    const [words, mark] = stateWords(status);
    const name = environmentSuffix(status);
    const label = `Pixi environment${name}: ${words}`;
    node.textContent = `pixi${name}: ${words} ${mark}`.trim();
    node.title = [status.workspace || '', ...reasonsOf(status), 'Click to choose'].filter(Boolean).join('\n');
    node.dataset.pixiState = status.state;
    node.setAttribute('aria-label', label);
    if (spoken.textContent !== label) spoken.textContent = label;
  };
  current.changed.connect(show);
  widget.disposed.connect(() => current.changed.disconnect(show));
  show();
  return widget;
}
