// What an environment holds: a table with a filter, and what can be done to each package.

import { button, element } from './words.js';

export class Packages {
  constructor(current, changes) {
    this.current = current;
    this.changes = changes;
    this.packages = [];
    this.filter = element('input', {
      type: 'search', class: 'pixi-field', 'aria-label': 'Filter packages', placeholder: 'Filter packages',
      oninput: () => this._draw()
    });
    this.all = element('input', { type: 'checkbox', onchange: () => this._draw() });
    this.table = element('table', { class: 'pixi-table' });
    this.node = element('section', { 'aria-label': 'Packages' },
      element('div', { class: 'pixi-row' }, this.filter,
        element('label', { class: 'pixi-row', title: 'Also what came with the packages that you asked for' }, this.all, 'all')),
      this.table,
      element('div', { class: 'pixi-row' },
        button('Update all …', () => changes.propose('Update all', { command: 'update' }))));
  }

  /** Asks for the packages again; an environment that is not there yet has none. */
  async refresh() {
    const { subject, server, status } = this.current;
    this.packages = [];
    if (subject && status && status.workspace && !status.trust) {
      try {
        this.packages = (await server.get('packages', subject)).packages;
      } catch (error) {
        this.changes.say(error.message);
      }
    }
    this._draw();
  }

  get isEmpty() {
    return this.packages.length === 0;
  }

  _draw() {
    const wanted = this.filter.value.trim().toLowerCase();
    const shown = this.packages.filter(one =>
      (one.is_explicit || this.all.checked || wanted) && one.name.toLowerCase().includes(wanted));
    shown.sort((a, b) => b.is_explicit - a.is_explicit || a.name.localeCompare(b.name));
    const caption = `${shown.length} of ${this.packages.length} packages`;
    this.table.replaceChildren(
      element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ['Package', 'Version', 'Kind'].map(text => element('th', { scope: 'col' }, text)),
        element('td', {}))),
      element('tbody', {}, shown.map(one => this._row(one))));
  }

  _row({ name, version, build, kind, is_explicit: isExplicit, size_bytes: size }) {
    const title = [build, size && `${(size / 1e6).toFixed(1)} MB`].filter(Boolean).join(', ');
    const propose = (word, command) => this.changes.propose(`${word} ${name}`, { command, names: [name], pypi: kind === 'pypi' });
    const act = (sign, word, command) =>
      button(sign, () => propose(word, command), { 'aria-label': `${word} ${name}`, title: `${word} ${name}` });
    return element('tr', { 'data-package': name, class: isExplicit ? null : 'pixi-dim' },
      element('th', { scope: 'row' }, name),
      element('td', { title }, version),
      element('td', {}, kind === 'pypi' ? 'PyPI' : kind),
      element('td', { class: 'pixi-actions' }, act('↑', 'Update', 'update'), isExplicit ? act('✕', 'Remove', 'remove') : null));
  }
}
