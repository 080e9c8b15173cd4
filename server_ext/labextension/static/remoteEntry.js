// The front end of pixi-jupyter, as it is shipped: no build step. JupyterLab loads this file, calls `init` with the
// modules that it shares, and `get('./extension')` for the plugins (the container contract of module federation).
(() => {
  'use strict';

  const NAME = 'pixi-jupyter';
  const EVENT = 'urn:pixi-jupyter:environment:v1';
  const WORDS = {
    'in-sync': ['in sync', '✔'],
    'stale': ['lock file out of date', '⚠'],
    'not-installed': ['not installed', '⚠'],
    'no-lock': ['not locked yet', '⚠'],
    'no-workspace': ['no environment yet', ''],
    'solving': ['solving …', '⏳'],
    'installing': ['installing …', '⏳'],
    'untrusted': ['not approved', '🔒'],
    'failed': ['failed', '✗'],
    'unreadable': ['cannot be read', '✗']
  };

  let shared = {};

  /** The module that the application shares under a name. */
  async function take(name) {
    const versions = Object.values(shared[name] || {});
    if (!versions.length) throw new Error(`${NAME}: the application does not share ${name}`);
    return (await versions[0].get())();
  }

  /** Asks our REST interface; the application's settings carry the token and the XSRF cookie. */
  async function ask(services, path, init) {
    const { ServerConnection } = services;
    const settings = ServerConnection.makeSettings();
    const response = await ServerConnection.makeRequest(settings.baseUrl + 'pixi/' + path, init || {}, settings);
    const answer = await response.json();
    return response.ok ? answer : Object.assign({ state: 'unreadable', reasons: [answer.message || ''] }, answer);
  }

  /** The item's text and tooltip; set as text nodes, so that no name becomes markup. */
  function show(node, status) {
    const [words, mark] = WORDS[status.state] || [status.state, ''];
    const name = status.environment && status.environment !== 'default' ? ` (${status.environment})` : '';
    node.textContent = `pixi${name}: ${words} ${mark}`.trim();
    const reasons = (status.reasons || []).concat(status.text ? [status.text] : []);
    node.title = [status.workspace || '', ...reasons, 'Click to look again'].filter(Boolean).join('\n');
    node.dataset.pixiState = status.state;
    node.setAttribute('aria-label', `Pixi environment${name}: ${words}`);
  }

  /** What an approval would allow, as a list of texts: whatever a stranger wrote stays text. */
  function trustBody(Widget, status) {
    const node = document.createElement('div');
    const lead = document.createElement('p');
    lead.textContent = (status.reasons || []).join(', ') + '. Starting its kernel would use:';
    node.appendChild(lead);
    const list = document.createElement('ul');
    for (const line of status.trust.lines) {
      const item = document.createElement('li');
      item.textContent = line;
      list.appendChild(item);
    }
    node.appendChild(list);
    const end = document.createElement('p');
    end.textContent = 'Nothing of it was installed or run. Approve it only if you trust whoever wrote it.';
    node.appendChild(end);
    return new Widget({ node });
  }

  /** Asks the user; true when the workspace was approved and the kernel may be started. */
  async function askForTrust(dialogs, Widget, services, path, status) {
    const { showDialog, Dialog } = dialogs;
    const answer = await showDialog({
      title: `Approve the environment “${status.workspace}”?`,
      body: trustBody(Widget, status),
      buttons: [Dialog.cancelButton({ label: 'Not Now' }), Dialog.warnButton({ label: 'Approve' })],
      defaultButton: 0
    });
    if (!answer.button.accept) return false;
    const done = await ask(services, 'trust', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ path, fingerprint: status.trust.fingerprint })
    });
    return done.trusted === true;
  }

  /** The status-bar item: what it shows follows the current notebook, its kernel, and the server's events. */
  function statusItem(app, tracker, Widget, services, dialogs) {
    const item = new Widget({ node: document.createElement('button') });
    item.id = 'pixi-status';
    item.addClass('jp-StatusBar-TextItem');
    const node = item.node;
    node.type = 'button';
    Object.assign(node.style, { background: 'none', border: '0', color: 'inherit', font: 'inherit', cursor: 'pointer' });
    node.setAttribute('role', 'status');
    let asked = 0;
    let shown = null; // the status that is shown, with the notebook it belongs to
    const offered = new Set(); // what the user was asked about already, by notebook and state

    const trust = async (panel, status) => {
      offered.add(panel.context.path + status.trust.fingerprint);
      if (!(await askForTrust(dialogs, Widget, services, panel.context.path, status))) return refresh();
      const { sessionContext } = panel;
      const kernel = sessionContext.session && sessionContext.session.kernel;
      await (kernel ? sessionContext.restartKernel() : sessionContext.startKernel());
      return refresh();
    };

    const refresh = async () => {
      const panel = tracker.currentWidget;
      item.setHidden(!panel);
      if (!panel) return;
      const mine = ++asked;
      try {
        const status = await ask(services, 'status?path=' + encodeURIComponent(panel.context.path));
        if (mine !== asked) return;
        show(node, status);
        shown = { panel, status };
        if (status.trust && !offered.has(panel.context.path + status.trust.fingerprint)) await trust(panel, status);
      } catch (error) {
        if (mine === asked) show(node, { state: 'unreadable', reasons: [String(error)] });
      }
    };

    const follow = (_, panel) => {
      if (panel) {
        panel.sessionContext.statusChanged.connect((__, status) => {
          if (status === 'idle' || status === 'restarting' || status === 'dead') refresh();
        });
      }
    };
    tracker.currentChanged.connect(refresh);
    tracker.widgetAdded.connect(follow);
    tracker.forEach(panel => follow(null, panel));
    node.addEventListener('click', () => {
      const current = shown && shown.panel === tracker.currentWidget ? shown : null;
      return current && current.status.trust ? trust(current.panel, current.status) : refresh();
    });

    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id !== EVENT) return;
      const panel = tracker.currentWidget;
      if (event.path && panel && !panel.context.path.endsWith(event.path)) return;
      if (event.state === 'solving' || event.state === 'installing') {
        asked++; // an answer that is still on its way would be older than this event
        item.setHidden(!panel);
        show(node, event);
      } else {
        refresh();
      }
    });
    refresh();
    return { item, refresh };
  }

  const plugin = {
    id: `${NAME}:status`,
    description: 'The state of the current notebook\'s environment, and fresh kernel picker entries.',
    autoStart: true,
    make: async () => {
      const { INotebookTracker } = await take('@jupyterlab/notebook');
      const { IStatusBar } = await take('@jupyterlab/statusbar');
      const { Widget } = await take('@lumino/widgets');
      const services = await take('@jupyterlab/services');
      const dialogs = await take('@jupyterlab/apputils');
      return {
        id: plugin.id,
        description: plugin.description,
        autoStart: plugin.autoStart,
        requires: [INotebookTracker],
        optional: [IStatusBar],
        activate: (app, tracker, statusBar) => {
          const { item, refresh } = statusItem(app, tracker, Widget, services, dialogs);
          if (statusBar) statusBar.registerStatusItem(`${NAME}:status`, { item, align: 'left', rank: 5 });
          app.commands.addCommand(`${NAME}:refresh`, {
            label: 'Pixi: Look for Environments Again',
            execute: async () => {
              await ask(services, 'kernelspecs', { method: 'POST' });
              await app.serviceManager.kernelspecs.refreshSpecs();
              await refresh();
            }
          });
        }
      };
    }
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: scope => { shared = scope; },
    get: async () => {
      const module = { __esModule: true, default: await plugin.make() };
      return () => module;
    }
  };
})();
