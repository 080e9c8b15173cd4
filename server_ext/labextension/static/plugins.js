// The plugins, and what they take from the application.

import { Current } from './current.js';
import { Server } from './server.js';
import { statusWidget } from './status.js';
import { TrustPrompt } from './trust.js';
import { element } from './words.js';

const NAME = 'pixi-jupyter';

/** The module that the application shares under a name; an empty one where it has none. */
async function take(shared, name) {
  const versions = Object.values(shared[name] || {});
  return versions.length ? (await versions[0].get())() : {};
}

/** The plugins of the extension: the notebook's environment in words. */
export async function plugins(shared) {
  const names = {
    apputils: '@jupyterlab/apputils', notebook: '@jupyterlab/notebook',
    statusbar: '@jupyterlab/statusbar', services: '@jupyterlab/services',
    widgets: '@lumino/widgets', signaling: '@lumino/signaling', coreutils: '@lumino/coreutils'
  };
  const modules = {};
  for (const [key, name] of Object.entries(names)) modules[key] = await take(shared, name);
  const token = new modules.coreutils.Token(`${NAME}:environment`, 'The environment of the notebook in front.');
  return [environmentPlugin(modules, token)];
}

function present(tokens) {
  return tokens.filter(Boolean);
}

/** The status-bar item (in Notebook, which has no such bar, an item of each notebook's toolbar), the trust prompt and
 * the command.
 */
function environmentPlugin({ apputils, notebook, statusbar, services, widgets, signaling }, token) {
  const { Widget } = widgets;
  return {
    id: `${NAME}:environment`,
    description: 'The state of the current notebook\'s environment.',
    autoStart: true,
    provides: token,
    requires: [notebook.INotebookTracker],
    optional: present([statusbar.IStatusBar, apputils.ICommandPalette]),
    activate: (app, tracker, ...found) => {
      addStyle();
      const statusBar = statusbar.IStatusBar ? found.shift() : null;
      const palette = found[0];
      const current = new Current(app, tracker, signaling.Signal, new Server(services.ServerConnection));
      const prompt = new TrustPrompt(current, apputils, Widget);
      const click = () => (current.status && current.status.trust ? prompt.ask() : current.refresh());
      if (statusBar) {
        const item = statusWidget(Widget, current, click);
        item.id = 'pixi-status-bar';
        statusBar.registerStatusItem(`${NAME}:status`, { item, align: 'left', rank: 5 });
      } else {
        addToToolbars(tracker, () => statusWidget(Widget, current, click));
      }
      addCommands(app, palette, current);
      return { current, trust: () => prompt.ask() };
    }
  };
}

function addToToolbars(tracker, make) {
  const add = panel => panel.toolbar.addItem(NAME, make());
  tracker.widgetAdded.connect((_, panel) => add(panel));
  tracker.forEach(add);
}

function addCommands(app, palette, current) {
  app.commands.addCommand(`${NAME}:refresh`, {
    label: 'Pixi: Look for Environments Again',
    execute: async () => {
      await current.server.post('kernelspecs');
      await app.serviceManager.kernelspecs.refreshSpecs();
      await current.refresh();
    }
  });
  if (palette) palette.addItem({ command: `${NAME}:refresh`, category: 'Pixi' });
}

function addStyle() {
  document.head.append(element('link', { rel: 'stylesheet', href: new URL('./style.css', import.meta.url) }));
}
