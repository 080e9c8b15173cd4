// The dialog before a stranger's environment is used.

import { element } from './words.js';

/** What an approval would allow. */
function body(Widget, status) {
  return new Widget({
    node: element('div', {},
      element('p', {}, status.reasons.join(', ') + '. Starting its kernel would use:'),
      element('ul', {}, status.trust.lines.map(line => element('li', {}, line))),
      element('p', {}, 'Nothing of it was installed or run. Approve it only if you trust whoever wrote it.'))
  });
}

/** Asks about workspaces that are not approved: by itself once for each state of one, and whenever `ask` is called. */
export class TrustPrompt {
  constructor(current, { showDialog, Dialog }, Widget) {
    this.current = current;
    this.dialogs = { showDialog, Dialog };
    this.Widget = Widget;
    this.offered = new Set(); // by notebook and fingerprint
    current.changed.connect(() => this._offer());
  }

  _offer() {
    const { status, panel } = this.current;
    if (status && status.trust && !this.offered.has(panel.context.path + status.trust.fingerprint)) this.ask();
  }

  /** Shows the dialog; an approval starts the notebook's kernel. */
  async ask() {
    const { status, panel, subject, server } = this.current;
    const { showDialog, Dialog } = this.dialogs;
    this.offered.add(panel.context.path + status.trust.fingerprint);
    const answer = await showDialog({
      title: `Approve the environment “${status.workspace}”?`,
      body: body(this.Widget, status),
      buttons: [Dialog.cancelButton({ label: 'Not Now' }), Dialog.warnButton({ label: 'Approve' })],
      defaultButton: 0
    });
    if (answer.button.accept && (await this._approve(server, subject.path, status.trust.fingerprint))) {
      const { sessionContext } = panel;
      const kernel = sessionContext.session && sessionContext.session.kernel;
      await (kernel ? sessionContext.restartKernel() : sessionContext.startKernel());
    }
    await this.current.refresh();
  }

  async _approve(server, path, fingerprint) {
    try {
      return (await server.post('trust', { path, fingerprint })).trusted === true;
    } catch {
      return false; // it is something else by now: the next status asks again
    }
  }
}
