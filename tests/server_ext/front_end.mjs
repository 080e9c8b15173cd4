// Drives the front end as JupyterLab would, with the few objects of JupyterLab that it touches, and prints what it shows.
import { pathToFileURL } from 'node:url';

const [file, scenario] = process.argv.slice(2);
const { answers, events, accept = true } = JSON.parse(scenario);
const asked = [];
const shown = [];
const bodies = [];
const dialogs = [];
const kernel = [];
const tick = () => new Promise(resolve => setImmediate(resolve));
const settle = async () => { for (let turn = 0; turn < 20; turn++) await tick(); };

class Signal {
  constructor(sender) { this.sender = sender; this.slots = []; }
  connect(slot) { this.slots.push(slot); }
  emit(value) { this.slots.forEach(slot => slot(this.sender, value)); }
}

class Node {
  constructor(tag) {
    this.tag = tag;
    this.style = {};
    this.dataset = {};
    this.attributes = {};
    this.listeners = {};
    this.children = [];
  }
  set textContent(text) { this.text = text; if (this.tag === 'button') shown.push(text); }
  get textContent() { return this.text; }
  append(...children) {
    for (const child of children) if (typeof child === 'string') bodies.push(child);
    this.children.push(...children);
  }
  set innerHTML(_) { throw new Error('markup'); }
  setAttribute(name, value) { this.attributes[name] = value; }
  addEventListener(name, call) { this.listeners[name] = call; }
}

class Widget {
  constructor(options) { this.node = options.node; this.disposed = new Signal(); }
  setHidden(hidden) { this.hidden = hidden; }
}

const sessionContext = {
  statusChanged: new Signal(),
  kernelChanged: new Signal(),
  kernelPreference: { name: 'pixi' },
  session: null,
  startKernel: async () => { kernel.push('start'); },
  restartKernel: async () => { kernel.push('restart'); }
};
const metadata = {};
const context = {
  path: 'demo/nb.ipynb',
  ready: Promise.resolve(),
  pathChanged: new Signal(),
  saveState: new Signal(),
  model: { readOnly: false, getMetadata: key => metadata[key], setMetadata: (key, value) => { metadata[key] = value; } }
};
const panel = { context, sessionContext };
const tracker = { currentWidget: panel, currentChanged: new Signal(), widgetAdded: new Signal(), forEach: f => f(panel) };
const stream = new Signal();
const commands = {};
let refreshed = 0;
const app = {
  serviceManager: { events: { stream }, kernelspecs: { specs: null, refreshSpecs: async () => { refreshed += 1; } } },
  commands: { addCommand: (id, options) => { commands[id] = options; } }
};
const ServerConnection = {
  makeSettings: () => ({ baseUrl: 'http://server/' }),
  makeRequest: async (url, init) => {
    asked.push(`${init.method || 'GET'} ${url}` + (init.body ? ` ${init.body}` : ''));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return { ok: answer.ok !== false, status: answer.ok === false ? 422 : 200, json: async () => answer };
  }
};
const share = module => ({ '1.0': { get: async () => () => module } });
const scope = {
  '@jupyterlab/notebook': share({ INotebookTracker: 'tracker' }),
  '@jupyterlab/statusbar': share({ IStatusBar: 'bar' }),
  '@lumino/widgets': share({ Widget }),
  '@lumino/signaling': share({ Signal }),
  '@lumino/coreutils': share({ Token: class {} }),
  '@jupyterlab/apputils': share({
    ICommandPalette: 'palette',
    Dialog: { cancelButton: o => ({ ...o, accept: false }), warnButton: o => ({ ...o, accept: true }) },
    showDialog: async options => {
      dialogs.push([options.title, ...options.buttons.map(button => button.label), options.defaultButton]);
      return { button: { accept } };
    }
  }),
  '@jupyterlab/services': share({ ServerConnection })
};

globalThis.window = {};
globalThis.document = { createElement: tag => new Node(tag), head: new Node('head') };
await import(pathToFileURL(file).href);
const container = window._JUPYTERLAB['pixi-jupyter'];
container.init(scope);
const plugins = (await container.get('./extension'))().default;
const plugin = plugins.find(one => one.id === 'pixi-jupyter:environment');
let item = null;
const bar = { registerStatusItem: (_, options) => { item = options.item; } };
plugin.activate(app, tracker, bar, null);
await settle();
const button = item.node.children[0];
for (const event of events) {
  if (event === 'idle') sessionContext.statusChanged.emit('idle');
  else if (event === 'click') await button.listeners.click();
  else if (event === 'command') await commands['pixi-jupyter:refresh'].execute();
  else if (event.metadata) metadata.pixi = event.metadata;
  else if (event === 'saved') context.saveState.emit('completed');
  else stream.emit(event);
  await settle();
}
console.log(JSON.stringify({
  shown: shown.filter((text, index) => text !== shown[index - 1]),
  asked, refreshed, dialogs, bodies, kernel, metadata,
  title: button.title, label: button.attributes['aria-label'], role: item.node.children[1].attributes.role,
  requires: plugin.requires, optional: plugin.optional
}));
