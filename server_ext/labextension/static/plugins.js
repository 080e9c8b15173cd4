// The plugins, and what they take from the application.

import { chooseEnvironment } from './chooser.js';
import { Current } from './current.js';
import { environmentPanel } from './panel.js';
import { Server } from './server.js';
import { statusWidget } from './status.js';
import { TrustPrompt } from './trust.js';
import { element } from './words.js';

const NAME = 'pixi-jupyter';
const ICON = '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">'
  + '<path d="M12 2 3 6.5v11L12 22l9-4.5v-11zm0 2.2 6 3-6 3-6-3zM5 9l6 3v7.3l-6-3zm8 10.3V12l6-3v7.3z"/></g></svg>';

/** The module that the application shares under a name; an empty one where it has none. */
async function take(shared, name) {
  const versions = Object.values(shared[name] || {});
  return versions.length ? (await versions[0].get())() : {};
}

/** The plugins of the extension: the notebook's environment in words, and the panel. */
export async function plugins(shared) {
  const names = {
    application: '@jupyterlab/application', apputils: '@jupyterlab/apputils', notebook: '@jupyterlab/notebook',
    statusbar: '@jupyterlab/statusbar', services: '@jupyterlab/services', icons: '@jupyterlab/ui-components',
    widgets: '@lumino/widgets', signaling: '@lumino/signaling', coreutils: '@lumino/coreutils'
  };
  const modules = {};
  for (const [key, name] of Object.entries(names)) modules[key] = await take(shared, name);
  const token = new modules.coreutils.Token(`${NAME}:environment`, 'The environment of the notebook in front.');
  return [environmentPlugin(modules, token), panelPlugin(modules, token)];
}

function present(tokens) {
  return tokens.filter(Boolean);
}

/** The status-bar item (in Notebook, which has no such bar, an item of each notebook's toolbar), the trust prompt, the
 * chooser and the commands.
 */
function environmentPlugin({ apputils, notebook, statusbar, services, widgets, signaling }, token) {
  const { Widget } = widgets;
  return {
    id: `${NAME}:environment`,
    description: 'The state of the current notebook\'s environment, and the choice of another.',
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
      const choose = () => chooseEnvironment(current, apputils, Widget);
      const click = () => (current.status && current.status.trust ? prompt.ask() : choose());
      if (statusBar) {
        const item = statusWidget(Widget, current, click);
        item.id = 'pixi-status-bar';
        statusBar.registerStatusItem(`${NAME}:status`, { item, align: 'left', rank: 5 });
      } else {
        addToToolbars(tracker, () => statusWidget(Widget, current, click));
      }
      addCommands(app, palette, services, current, choose);
      return { current, choose, trust: () => prompt.ask() };
    }
  };
}

function addToToolbars(tracker, make) {
  const add = panel => panel.toolbar.addItem(NAME, make());
  tracker.widgetAdded.connect((_, panel) => add(panel));
  tracker.forEach(add);
}

function addCommands(app, palette, services, current, choose) {
  app.commands.addCommand(`${NAME}:choose`, { label: 'Pixi: Choose the Environment of This Notebook', execute: choose });
  app.commands.addCommand(`${NAME}:refresh`, {
    label: 'Pixi: Look for Environments Again',
    execute: async () => {
      await current.lookAgain();
      await current.refresh();
    }
  });
  if (palette) for (const command of ['choose', 'refresh']) palette.addItem({ command: `${NAME}:${command}`, category: 'Pixi' });
}

/** The side panel, at the left. */
function panelPlugin({ apputils, icons, widgets }, token) {
  return {
    id: `${NAME}:panel`,
    description: 'A side panel with the packages of the current notebook\'s environment.',
    autoStart: true,
    requires: [token],
    optional: present([apputils.ICommandPalette]),
    activate: (app, environment, palette) => {
      const panel = environmentPanel(widgets.Widget, environment.current, environment);
      panel.id = `${NAME}-panel`;
      panel.title.caption = 'Pixi environment';
      if (icons.LabIcon) panel.title.icon = new icons.LabIcon({ name: `${NAME}:icon`, svgstr: ICON });
      app.shell.add(panel, 'left', { rank: 450 });
      const command = `${NAME}:show-panel`;
      app.commands.addCommand(command, {
        label: 'Pixi: Show the Packages of This Notebook',
        execute: () => app.shell.activateById(panel.id)
      });
      if (palette) palette.addItem({ command, category: 'Pixi' });
    }
  };
}

function addStyle() {
  document.head.append(element('link', { rel: 'stylesheet', href: new URL('./style.css', import.meta.url) }));
}
