// Adding a package: a text field that offers what the channels and indexes have, while one types (the combobox pattern
// of the ARIA Authoring Practices: focus stays in the field, arrows move through the list).

import { button, element } from './words.js';

const PAUSE = 300; // milliseconds without a key before the server is asked
const MOST = 12;

export class AddPackage {
  constructor(current, changes) {
    this.current = current;
    this.changes = changes;
    this.active = -1;
    this.found = [];
    this.timer = null;
    this.input = element('input', {
      type: 'text', id: 'pixi-add-name', class: 'pixi-field', role: 'combobox', autocomplete: 'off', spellcheck: 'false',
      placeholder: 'name, or name>=1.2', 'aria-expanded': 'false', 'aria-controls': 'pixi-add-list',
      'aria-autocomplete': 'list',
      oninput: () => this._later(), onkeydown: event => this._key(event), onblur: () => this._close()
    });
    this.list = element('ul', { id: 'pixi-add-list', class: 'pixi-list', role: 'listbox', 'aria-label': 'Packages', hidden: '' });
    this.fromPypi = element('input', { type: 'checkbox' });
    this.pypiLabel = element('label', { class: 'pixi-row' }, this.fromPypi, 'from PyPI');
    this.node = element('form', { class: 'pixi-add', onsubmit: event => { event.preventDefault(); this._submit(); } },
      element('label', { for: 'pixi-add-name' }, 'Add a package'),
      this.input, this.list,
      element('div', { class: 'pixi-row' }, button('Add …', null, { type: 'submit' }), this.pypiLabel));
  }

  _later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this._search(), PAUSE);
  }

  async _search() {
    const query = this.input.value.trim().split(/[\s<>=!~[@;]/)[0];
    const { subject, server } = this.current;
    if (query.length < 2 || !subject) return this._close();
    let answer;
    try {
      answer = await server.get('search', { ...subject, query, limit: MOST });
    } catch (error) {
      this.changes.say(`The search failed: ${error.message}`);
      return this._close();
    }
    if (document.activeElement !== this.input || !this.input.value.trim().startsWith(query)) return undefined;
    const near = answer.matches.length ? [] : answer.suggestions.map(name => ({ name, isGuess: true }));
    return this._offer([...answer.matches, ...near]);
  }

  _offer(found) {
    this.found = found;
    this.active = -1;
    this.list.replaceChildren(...found.map((one, index) => element('li', {
      id: `pixi-add-${index}`, role: 'option', 'aria-selected': 'false',
      onmousedown: event => { event.preventDefault(); this._take(index); }
    }, element('span', {}, one.isGuess ? `did you mean ${one.name}?` : `${one.name} ${one.version || ''}`),
      element('span', { class: 'pixi-dim' }, [one.kind === 'pypi' ? 'PyPI' : one.kind, one.summary].filter(Boolean).join(' · ')))));
    this.list.hidden = !found.length;
    this.input.setAttribute('aria-expanded', String(found.length > 0));
    this.input.removeAttribute('aria-activedescendant');
    this.changes.say(found.length ? `${found.length} packages found` : 'nothing found');
  }

  _close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }

  _key(event) {
    if (event.key === 'Escape' && !this.list.hidden) {
      event.stopPropagation();
      this._close();
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !this.list.hidden) {
      event.preventDefault();
      this._move(event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Enter' && this.active >= 0) {
      event.preventDefault();
      this._take(this.active);
    }
  }

  _move(step) {
    const count = this.found.length;
    this.active = this.active < 0 ? (step > 0 ? 0 : count - 1) : (this.active + step + count) % count;
    [...this.list.children].forEach((node, index) => node.setAttribute('aria-selected', String(index === this.active)));
    this.list.children[this.active].scrollIntoView({ block: 'nearest' });
    this.input.setAttribute('aria-activedescendant', `pixi-add-${this.active}`);
  }

  _take(index) {
    const one = this.found[index];
    this.input.value = one.name;
    if (one.kind) this.fromPypi.checked = one.kind === 'pypi';
    this._close();
  }

  async _submit() {
    const spec = this.input.value.trim();
    if (!spec) return;
    this._close();
    const pypi = this.fromPypi.checked && !this.pypiLabel.hidden;
    await this.changes.propose(`Add ${spec}`, { command: 'add', names: [spec], pypi });
  }
}
