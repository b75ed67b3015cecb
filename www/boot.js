// Starts the app: looks whether the browser has what B4 needs, loads the module, keeps the page for offline use.
//
// It paints nothing: the shell is in index.html, and the app takes its place. On failure a plain sentence stands in the shell.
// The build writes hashed names, integrities and the service worker's URL into the script element's data attributes; in
// development there is no service worker.

const settings = document.querySelector("script[data-app]").dataset;

// How often a page that stays open looks for a new build, at most.
const UPDATE_INTERVAL_MS = 60 * 60 * 1000;

// How long the app waits for the shell to be painted, at most.
const PAINT_WAIT_MS = 100;

// What is missing, in words for the person; undefined if nothing is.
function missing() {
  if (!window.isSecureContext) {
    return "Browsers keep keys only for pages opened over https or on localhost. Open this address with https.";
  }
  const needs = [
    ["WebAssembly", typeof WebAssembly === "object"],
    ["Web Cryptography", globalThis.crypto?.subtle !== undefined],
    ["IndexedDB", globalThis.indexedDB !== undefined && globalThis.indexedDB !== null],
    ["WebRTC", typeof RTCPeerConnection === "function"],
    ["Web Locks", navigator.locks !== undefined],
  ];
  const lacking = needs.filter(([, has]) => !has).map(([name]) => name);
  if (lacking.length === 0) {
    return undefined;
  }
  return `This browser lacks or blocks what B4 needs: ${lacking.join(", ")}. A current Firefox, Chrome, Edge or Safari has it.`;
}

function say(sentence) {
  const status = document.querySelector("[data-boot-status]");
  if (status !== null) {
    status.textContent = sentence;
    status.setAttribute("role", "alert");
    status.closest("[data-shell]").setAttribute("aria-busy", "false");
  }
  document.documentElement.dataset.bootFailed = "true";
}

// Resolves when the shell is on the screen; at once where nobody sees the page, since nothing is painted then.
function painted() {
  return new Promise((resolve) => {
    if (document.visibilityState === "hidden") {
      resolve();
      return;
    }
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, PAINT_WAIT_MS);
  });
}

async function start() {
  // Compiling a module of a megabyte would hold up the first paint.
  await painted();
  const wasm = fetch(settings.wasm, { integrity: settings.wasmIntegrity ?? "", credentials: "same-origin" });
  const [app, response] = await Promise.all([import(settings.app), wasm]);
  if (!response.ok) {
    throw new Error(`${settings.wasm}: ${response.status}`);
  }
  await app.default({ module_or_path: response });
}

// The only URLs that may become workers of this page.
function onlyWorkersOfOurs(url) {
  if (url === undefined || ![settings.worker, settings.keys, settings.files].includes(url)) {
    throw new TypeError("not a worker of this page");
  }
  return url;
}

const policy = globalThis.trustedTypes?.createPolicy("b4", { createScriptURL: onlyWorkersOfOurs });

function trusted(url) {
  return policy === undefined ? onlyWorkersOfOurs(url) : policy.createScriptURL(url);
}

// For the app: a thread for its private keys.
globalThis.b4KeyWorker = () => new Worker(trusted(settings.keys));

// For the app: a thread for the bytes of files.
globalThis.b4FileWorker = () => new Worker(trusted(settings.files));

function announceUpdate() {
  document.documentElement.dataset.updateReady = "true";
  window.dispatchEvent(new Event("b4-update-ready"));
}

// A new build is announced, never forced: it takes over when the app says so with `b4-update-apply`.
function watchForUpdates(registration) {
  const worker = navigator.serviceWorker;
  let applying = false;
  const announceIfUpdate = () => {
    if (registration.waiting !== null && worker.controller !== null) {
      announceUpdate();
    }
  };
  announceIfUpdate();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", announceIfUpdate);
  });
  worker.addEventListener("controllerchange", () => {
    if (applying) {
      window.location.reload();
    } else {
      announceUpdate(); // Another tab applied it: this one goes on with its own build until it is told to reload.
    }
  });
  window.addEventListener("b4-update-apply", () => {
    applying = true;
    if (registration.waiting !== null) {
      registration.waiting.postMessage({ kind: "take-over" });
    } else {
      window.location.reload();
    }
  });
}

function lookForUpdatesNowAndThen(registration) {
  let last = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && Date.now() - last > UPDATE_INTERVAL_MS) {
      last = Date.now();
      registration.update().catch(() => {}); // Offline: next time.
    }
  });
}

async function keepForOffline() {
  if (settings.worker === undefined || navigator.serviceWorker === undefined) {
    return;
  }
  const registration = await navigator.serviceWorker.register(trusted(settings.worker), { scope: "/", updateViaCache: "none" });
  watchForUpdates(registration);
  lookForUpdatesNowAndThen(registration);
  const { build } = document.documentElement.dataset;
  navigator.serviceWorker.controller?.postMessage({ kind: "started", build });
}

async function boot() {
  try {
    const lack = missing();
    if (lack !== undefined) {
      say(lack);
      return;
    }
    await start();
  } catch (error) {
    console.error(error);
    say("B4 could not be loaded. Nothing of yours is lost. Check the connection, then load the page again.");
  }
  try {
    await keepForOffline();
  } catch (error) {
    console.warn("not kept for offline use:", error); // A private window, or storage is denied: the page works without.
  }
}

boot();
