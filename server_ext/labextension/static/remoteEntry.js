// The front end of pixi-jupyter, shipped as it is written: no build step. The application loads this file, calls `init`
// with the modules that it shares, and `get('./extension')` for the plugins (the container contract of module
// federation). The other files are ECMAScript modules, which the browser finds beside this one.
(() => {
  'use strict';

  let shared = {};

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['pixi-jupyter'] = {
    init: scope => { shared = scope; },
    get: async () => {
      const { plugins } = await import('./plugins.js');
      const module = { __esModule: true, default: await plugins(shared) };
      return () => module;
    }
  };
})();
