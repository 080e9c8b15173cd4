// What states are called, and how elements are made: from text, so that no name of a stranger becomes markup.

const STATES = {
  'in-sync': ['in sync', '✔'],
  'stale': ['lock file out of date', '⚠'],
  'not-installed': ['not installed', '⚠'],
  'no-lock': ['not locked yet', '⚠'],
  'no-workspace': ['no environment yet', ''],
  'other-kernel': ['not used by this kernel', ''],
  'solving': ['solving …', '⏳'],
  'installing': ['installing …', '⏳'],
  'untrusted': ['not approved', '🔒'],
  'failed': ['failed', '✗'],
  'unreadable': ['cannot be read', '✗']
};

/** A state in words, and the mark that goes with them. */
export function stateWords(status) {
  const [words, mark] = STATES[status.state] || [status.state, ''];
  return status.unsaved ? [`${words}, unsaved`, '●'] : [words, mark];
}

/** ` (gpu)`, or nothing for the environment that needs no name. */
export function environmentSuffix(status) {
  return status.environment && status.environment !== 'default' ? ` (${status.environment})` : '';
}

/** Why the state is what it is, one sentence each. */
export function reasonsOf(status) {
  const saved = status.unsaved ? ['what changed is saved with the notebook: save it'] : [];
  return [...(status.reasons || []), ...(status.text ? [status.text] : []), ...saved];
}

/** An element. Attributes that begin with `on` are listeners, null and false ones are left out; children are elements
 * or texts.
 */
export function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined));
  return node;
}

/** A push button. */
export function button(label, onclick, attributes) {
  return element('button', { type: 'button', class: 'pixi-button', onclick, ...attributes }, label);
}
