// The environment of the notebook in front: what it is, how it is, and when to ask the server again.

const EVENT = 'urn:pixi-jupyter:environment:v1';
const PROVISIONER = 'pixi-provisioner';
const KEY = 'pixi'; // in a notebook's metadata

/** The table that a notebook's metadata hold; a manifest may stand there as plain text, too. */
export function tableOf(panel) {
  const found = panel.context.model.getMetadata(KEY);
  if (typeof found === 'string') return { manifest: found };
  return found && typeof found === 'object' ? found : {};
}

/** Says by `changed` that `status` or the notebook is another one, by `told` what an event of the server says. */
export class Current {
  constructor(app, tracker, Signal, server) {
    this.app = app;
    this.tracker = tracker;
    this.server = server;
    this.status = null;
    this.changed = new Signal(this);
    this.told = new Signal(this);
    this._age = 0; // an answer that is older than an event is none
    this._asking = null;
    this._again = false;
    this._saved = new WeakMap(); // the metadata that we know: those that were read, saved, or written by us
    tracker.currentChanged.connect(() => this._turn());
    tracker.widgetAdded.connect((_, panel) => this._follow(panel));
    tracker.forEach(panel => this._follow(panel));
    app.serviceManager.events.stream.connect((_, event) => this._hear(event));
    this.refresh();
  }

  get panel() {
    return this.tracker.currentWidget;
  }

  /** The kernel's name: of the one that runs, else of the one that would be started. */
  get kernelName() {
    const { sessionContext, context } = this.panel;
    const running = sessionContext.session && sessionContext.session.kernel;
    const preferred = sessionContext.kernelPreference || {};
    return (running && running.name) || preferred.name || (context.model.getMetadata('kernelspec') || {}).name || '';
  }

  /** Whether the kernel is of an entry of the picker that came after the list which JupyterLab has. */
  get _isUnlisted() {
    const { specs } = this.app.serviceManager.kernelspecs;
    return /^pixi--/.test(this.kernelName) && !(specs && specs.kernelspecs[this.kernelName]);
  }

  /** What requests are about: the notebook, or the workspace of its entry in the kernel picker; null where the kernel
   * is none of ours, or nothing is open.
   */
  get subject() {
    if (!this.panel) return null;
    const { specs } = this.app.serviceManager.kernelspecs;
    const name = this.kernelName;
    const spec = specs && specs.kernelspecs[name];
    const { kernel_provisioner: provisioner, pixi: entry } = (spec && spec.metadata) || {};
    if (spec ? (provisioner || {}).provisioner_name !== PROVISIONER : name && !/^pixi(--|$)/.test(name)) return null;
    if (!entry || !entry.environment) return { path: this.panel.context.path, environment: tableOf(this.panel).environment };
    return { path: typeof entry.path === 'string' ? entry.path : this.panel.context.path, environment: entry.environment };
  }

  /** Asks for the status. While an answer is awaited, any number of calls make one more request. */
  async refresh() {
    this._again = true;
    this._asking = this._asking || this._askUntilQuiet();
    await this._asking;
  }

  /** Makes entries of the kernel picker for manifests that came since the last look. */
  async lookAgain() {
    await this.server.post('kernelspecs');
    await this.app.serviceManager.kernelspecs.refreshSpecs();
  }

  async _askUntilQuiet() {
    try {
      while (this._again) {
        this._again = false;
        await this._ask();
      }
    } finally {
      this._asking = null; // whatever went wrong, the next call asks again
    }
  }

  async _ask() {
    const { panel } = this;
    if (!panel) return this._set(null);
    const age = ++this._age;
    if (this._isUnlisted) await this.app.serviceManager.kernelspecs.refreshSpecs();
    const { subject } = this;
    let status = { state: 'other-kernel', reasons: [] };
    try {
      if (subject) status = await this.server.get('status', subject);
    } catch (error) {
      status = { state: 'unreadable', reasons: [error.message, ...(error.hints || [])] };
    }
    if (age !== this._age || panel !== this.panel) return;
    if (status.unsaved) this._carry(panel, status.unsaved);
    this._set(status);
  }

  _set(status) {
    this.status = status;
    this.changed.emit(status);
  }

  _turn() {
    this._age++;
    this._set(null);
    this.refresh();
  }

  _follow(panel) {
    const know = () => this._saved.set(panel, JSON.stringify(panel.context.model.getMetadata(KEY)));
    const here = () => panel === this.panel && this.refresh();
    panel.context.ready.then(know);
    panel.context.pathChanged.connect(here);
    panel.context.saveState.connect((_, state) => {
      if (state === 'completed') {
        know();
        here();
      }
    });
    panel.sessionContext.kernelChanged.connect(here);
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (status === 'idle' || status === 'restarting' || status === 'dead') here();
    });
  }

  /** Puts what commands made of the notebook's environment into its metadata, so that saving it does not undo them.
   * What was edited there by hand since the notebook was read or saved is left alone.
   */
  _carry(panel, unsaved) {
    const { model } = panel.context;
    if (model.readOnly || JSON.stringify(model.getMetadata(KEY)) !== this._saved.get(panel)) return;
    const { environment } = tableOf(panel);
    const table = environment === undefined ? unsaved : { ...unsaved, environment };
    model.setMetadata(KEY, table);
    this._saved.set(panel, JSON.stringify(model.getMetadata(KEY)));
  }

  _hear(event) {
    if (event.schema_id !== EVENT) return;
    this.told.emit(event);
    if (!this._concerns(event)) return;
    if (event.state === 'solving' || event.state === 'installing') {
      this._age++;
      this._set(event);
    } else {
      this.refresh();
    }
  }

  /** Whether an event is about what is shown: it names the notebook, or else the workspace and environment. */
  _concerns(event) {
    const { panel, status } = this;
    if (!panel) return false;
    // a collaboration server puts its drive before paths, events do not have it
    if (event.path) return panel.context.path.replace(/^[A-Za-z][\w-]*:/, '') === event.path;
    return !status || (event.workspace === status.workspace && event.environment === status.environment);
  }
}
