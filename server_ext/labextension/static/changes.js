// A change of the environment: what it would do, then (when the user says so) doing it, and what that means for the
// kernel that runs.

import { button, element } from './words.js';

const VERDICTS = {
  ready: 'Ready now: import it.',
  recommended: 'Restart recommended: ',
  required: 'Restart required: '
};

/** The rows of a difference (the JSON of `pixi diff`), equal ones of several environments and platforms together:
 * `{sign, name, kind, version, where}`.
 */
export function differenceRows(diff) {
  const rows = new Map();
  for (const [environment, platforms] of Object.entries((diff && diff.environment) || {})) {
    for (const [platform, packages] of Object.entries(platforms)) {
      for (const { name, before, after, type } of packages) {
        const sign = before && after ? '→' : after ? '+' : '−';
        const versions = [before, after].filter(Boolean).map(fields => fields.version).filter(Boolean);
        const version = versions.join(' → ') || 'another build';
        const key = [sign, name, type, version].join('\n');
        if (!rows.has(key)) rows.set(key, { sign, name, kind: type, version, where: [] });
        rows.get(key).where.push(environment === 'default' ? platform : `${environment}, ${platform}`);
      }
    }
  }
  return [...rows.values()];
}

const SPOKEN = { '+': 'added', '−': 'removed', '→': 'changed' };

function differenceTable(rows, title) {
  const places = new Set(rows.flatMap(row => row.where));
  const many = places.size > 1;
  const heads = ['', 'Package', 'Version', ...(many ? ['Where'] : [])];
  return element('table', { class: 'pixi-table' },
    element('caption', {}, title),
    element('thead', {}, element('tr', {}, heads.map(text =>
      element('th', { scope: 'col', ...(text ? {} : { 'aria-label': 'Change' }) }, text)))),
    element('tbody', {}, rows.map(row => element('tr', { 'data-change': SPOKEN[row.sign] },
      element('td', { 'aria-label': SPOKEN[row.sign] }, row.sign),
      element('th', { scope: 'row' }, row.name),
      element('td', {}, `${row.version} ${row.kind === 'pypi' ? '(PyPI)' : ''}`.trim()),
      many ? element('td', {}, row.where.length === places.size ? 'everywhere' : row.where.join('; ')) : null))));
}

/** The part of the panel that shows a change: `propose` asks the server what it would do, the user applies or drops it.
 */
export class Changes {
  constructor(current, say) {
    this.current = current;
    this.say = say; // puts a sentence into the panel's live region
    this.node = element('section', { class: 'pixi-changes', 'aria-label': 'Change', hidden: '' });
    this.job = null;
    this.origin = null; // what had the focus when the change was proposed
    current.told.connect((_, event) => this._progress(event));
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !this.job) this.drop();
    });
  }

  get isBusy() {
    return this.job !== null;
  }

  /** Shows what a job would change. `title` says what was asked for. */
  async propose(title, body) {
    if (this.isBusy) return;
    const { subject } = this.current;
    if (!subject) return;
    this.origin = document.activeElement;
    const full = { ...body, ...subject };
    const done = await this._run(`${title}: looking what would change …`, { ...full, dry_run: true });
    if (!done || done.state === 'cancelled') return;
    const rows = differenceRows(done.diff);
    const apply = button('Apply', () => this.apply(title, full), { class: 'pixi-button pixi-main' });
    const heading = `${title}: ${rows.length ? `${rows.length} ${rows.length === 1 ? 'change' : 'changes'}` : 'no package changes'}`;
    this._show(
      differenceTable(rows, heading),
      element('div', { class: 'pixi-row' }, apply, button('Cancel', () => this.drop()))
    );
    this.say(`${heading}. Apply or cancel.`);
    apply.focus();
  }

  /** Does it. */
  async apply(title, body) {
    const done = await this._run(`${title} …`, body);
    if (!done) return;
    if (done.state === 'cancelled') this._finish('Cancelled: nothing was changed.');
    else this._finish(`${title}: done.`, done.restart);
  }

  /** Leaves everything as it is. */
  drop() {
    this.node.hidden = true;
    this.node.replaceChildren();
    this.say('Nothing was changed.');
    this._giveBackFocus();
  }

  async _run(text, body) {
    this.bar = element('progress', { 'aria-label': text });
    this.line = element('span', {}, text);
    this.job = { id: null };
    const stop = button('Cancel', () => this.job && this.job.id && this.current.server.cancel(this.job));
    this._show(this.line, this.bar, stop);
    this.say(text);
    stop.focus();
    try {
      return await this.current.server.run(body, job => { this.job = job; });
    } catch (error) {
      this._failed(error);
      return null;
    } finally {
      this.job = null;
    }
  }

  _failed(error) {
    const lines = [...(error.details || []), ...(error.hints || []).map(hint => `hint: ${hint}`)];
    this._show(
      element('p', { class: 'pixi-error' }, error.message),
      lines.length ? element('pre', { class: 'pixi-details' }, lines.join('\n')) : null,
      button('Close', () => this.drop())
    );
    this.say(error.message);
    this.node.querySelector('button').focus();
  }

  _finish(text, restart) {
    const { panel } = this.current;
    const verdict = restart ? VERDICTS[restart.verdict] + (restart.reasons || []).join('; ') : '';
    const again = restart && restart.verdict !== 'ready' && panel
      ? button('Restart Kernel', () => panel.sessionContext.restartKernel().then(() => this.drop()), { class: 'pixi-button pixi-main' })
      : null;
    this._show(
      element('p', {}, text),
      verdict ? element('p', { class: 'pixi-verdict', 'data-verdict': restart.verdict }, verdict) : null,
      element('div', { class: 'pixi-row' }, again, button('Close', () => this._close()))
    );
    this.say([text, verdict].filter(Boolean).join(' '));
    if (again) again.focus();
    else this._giveBackFocus();
    this.current.refresh();
  }

  _close() {
    this.node.hidden = true;
    this._giveBackFocus();
  }

  /** Counts of the job's events move the bar. */
  _progress(event) {
    if (!this.job || event.job !== this.job.id) return;
    if (event.text) this.line.textContent = `${event.text} …`;
    if (event.total) {
      this.bar.max = event.total;
      this.bar.value = event.done || 0;
    } else {
      this.bar.removeAttribute('value');
    }
  }

  _show(...children) {
    this.node.hidden = false;
    this.node.replaceChildren(...children.filter(Boolean));
  }

  _giveBackFocus() {
    const { origin } = this;
    if (origin && origin.isConnected && !origin.disabled) origin.focus();
    else this.node.parentElement.querySelector('.pixi-add input').focus();
  }
}
