// Drives the front end as JupyterLab would, with the few objects of JupyterLab that it touches, and prints what it shows.
import fs from 'node:fs';
import vm from 'node:vm';

const [file, scenario] = process.argv.slice(2);
const { answers, events, accept = true } = JSON.parse(scenario);
const asked = [];
const shown = [];
const bodies = [];
const dialogs = [];
const kernel = [];
const tick = () => new Promise(resolve => setImmediate(resolve));

class Signal {
  constructor() { this.slots = []; }
  connect(slot) { this.slots.push(slot); }
  emit(sender, value) { this.slots.forEach(slot => slot(sender, value)); }
}

class Node {
  constructor() {
    this.style = {};
    this.dataset = {};
    this.attributes = {};
    this.listeners = {};
    this.children = [];
  }
  set textContent(text) { this.text = text; (this.quiet ? bodies : shown).push(text); }
  get textContent() { return this.text; }
  appendChild(child) { this.children.push(child); }
  set innerHTML(_) { throw new Error('markup'); }
  setAttribute(name, value) { this.attributes[name] = value; }
  addEventListener(name, call) { this.listeners[name] = call; }
}

class Widget {
  constructor(options) { this.node = options.node; }
  addClass() {}
  setHidden(hidden) { this.hidden = hidden; }
}

const statusChanged = new Signal();
const sessionContext = {
  statusChanged,
  session: null,
  startKernel: async () => { kernel.push('start'); },
  restartKernel: async () => { kernel.push('restart'); }
};
const panel = { context: { path: 'demo/nb.ipynb' }, sessionContext };
const tracker = { currentWidget: panel, currentChanged: new Signal(), widgetAdded: new Signal(), forEach: f => f(panel) };
const stream = new Signal();
const commands = {};
let refreshed = 0;
const app = {
  serviceManager: { events: { stream }, kernelspecs: { refreshSpecs: async () => { refreshed += 1; } } },
  commands: { addCommand: (id, options) => { commands[id] = options; } }
};
const ServerConnection = {
  makeSettings: () => ({ baseUrl: 'http://server/' }),
  makeRequest: async (url, init) => {
    asked.push(`${init.method || 'GET'} ${url}` + (init.body ? ` ${init.body}` : ''));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return { ok: answer.ok !== false, json: async () => answer };
  }
};
const share = module => ({ '1.0': { get: async () => () => module } });
const scope = {
  '@jupyterlab/notebook': share({ INotebookTracker: 'tracker' }),
  '@jupyterlab/statusbar': share({ IStatusBar: 'bar' }),
  '@lumino/widgets': share({ Widget }),
  '@jupyterlab/apputils': share({
    Dialog: { cancelButton: o => ({ ...o, accept: false }), warnButton: o => ({ ...o, accept: true }) },
    showDialog: async options => {
      dialogs.push([options.title, ...options.buttons.map(button => button.label), options.defaultButton]);
      return { button: { accept } };
    }
  }),
  '@jupyterlab/services': share({ ServerConnection })
};

const context = { window: {}, document: { createElement: kind => Object.assign(new Node(), { quiet: kind !== 'button' }) }, Set, JSON, encodeURIComponent, Object, String, Error };
vm.runInNewContext(fs.readFileSync(file, 'utf8'), context);
const container = context.window._JUPYTERLAB['pixi-jupyter'];
container.init(scope);
const plugin = (await container.get('./extension'))().default;
let item = null;
const bar = { registerStatusItem: (_, options) => { item = options.item; } };
plugin.activate(app, tracker, bar);
for (let turn = 0; turn < 5; turn++) await tick();
for (const event of events) {
  if (event === 'idle') statusChanged.emit(null, 'idle');
  else if (event === 'click') await item.node.listeners.click();
  else if (event === 'command') await commands['pixi-jupyter:refresh'].execute();
  else stream.emit(null, event);
  for (let turn = 0; turn < 5; turn++) await tick();
}
console.log(JSON.stringify({
  shown, asked, refreshed, dialogs, bodies, kernel,
  title: item.node.title, label: item.node.attributes['aria-label'], role: item.node.attributes.role,
  requires: plugin.requires, optional: plugin.optional
}));
