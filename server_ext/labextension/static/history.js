// The states that an environment had, newest first, and the way back to each.

import { button, element } from './words.js';

const named = (packages, sign) => (packages || []).map(one => `${sign} ${one.name || one}`);

/** What a generation changed, in a few words. */
function summary(generation) {
  const parts = [
    ...named(generation.added, '+'), ...named(generation.removed, '−'), ...named(generation.changed, '→')
  ];
  const more = parts.length - 4;
  return parts.slice(0, 4).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export class HistoryList {
  constructor(current, changes) {
    this.current = current;
    this.changes = changes;
    this.list = element('ol', { class: 'pixi-history', reversed: '' });
    this.node = element('details', { ontoggle: () => this.refresh() }, element('summary', {}, 'History'), this.list);
  }

  /** Asks for the generations, where they are looked at. */
  async refresh() {
    const { subject, server, status } = this.current;
    if (!this.node.open) return;
    let found = { generations: [] };
    if (subject && status && status.workspace && !status.trust) {
      try {
        found = await server.get('history', subject);
      } catch (error) {
        this.changes.say(error.message);
      }
    }
    this.list.replaceChildren(...found.generations.slice().reverse().map(one => this._row(one, found.current)));
  }

  _row(generation, present) {
    const { number, time, command } = generation;
    const isPresent = number === present;
    const back = button('Roll back …',
      () => this.changes.propose(`Roll back to ${number}`, { command: 'rollback', generation: number }),
      { 'aria-label': `Roll back to ${number}` });
    return element('li', { value: number, 'aria-current': isPresent ? 'true' : null },
      element('div', {}, `${command} `, element('time', { class: 'pixi-dim', datetime: time }, new Date(time).toLocaleString())),
      element('div', { class: 'pixi-dim' }, summary(generation)),
      isPresent ? element('em', {}, 'present state') : back);
  }
}
