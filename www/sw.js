// Serves the page offline, one build at a time. The build fills in its identity and its files: pairs of URL and integrity.
//
// A build is installed whole or not at all, into a cache of its own, and waits until the page says that it may take over.
// Every file but the page itself is named by its hash, so a page that an older build started never gets a newer one's files.
// Deliberately absent: anything of the relay's. Its answers are never kept.

const BUILD = "__B4_BUILD__";
const FILES = "__B4_FILES__";

const PREFIX = "b4-build-";
const CACHE = PREFIX + BUILD;
const NEVER = ["/relay", "/names", "/enrol", "/revoked", "/authority.pem", "/metrics", "/healthz"];

function isRelays(path) {
  return NEVER.some((own) => path === own || path.startsWith(`${own}/`));
}

async function fetchInto(cache, [url, integrity]) {
  const response = await fetch(url, { cache: "no-cache", credentials: "same-origin", integrity, redirect: "error" });
  if (!response.ok) {
    throw new Error(`${url}: ${response.status}`);
  }
  await cache.put(url, response);
}

// All files or none. The integrities see to it that they are all of this build, even while the server changes to the next.
async function install() {
  const cache = await caches.open(CACHE);
  const done = await Promise.allSettled(FILES.map((file) => fetchInto(cache, file)));
  const failed = done.find(({ status }) => status === "rejected");
  if (failed !== undefined) {
    await caches.delete(CACHE);
    throw failed.reason;
  }
}

async function dropOtherBuilds() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
}

// Other builds go when no page of theirs can be open: at the latest when the only page there is says that it is of this one.
async function dropOtherBuildsIfUnused(ownPages) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length <= ownPages) {
    await dropOtherBuilds();
  }
}

async function page(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match("/", { ignoreVary: true })) ?? fetch(request);
}

async function file(request) {
  const cache = await caches.open(CACHE);
  const own = await cache.match(request, { ignoreVary: true });
  return own ?? (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));

self.addEventListener("activate", (event) => event.waitUntil(dropOtherBuildsIfUnused(0)));

self.addEventListener("message", (event) => {
  if (event.data?.kind === "take-over") {
    event.waitUntil(self.skipWaiting());
  } else if (event.data?.kind === "started" && event.data.build === BUILD) {
    event.waitUntil(dropOtherBuildsIfUnused(1));
  }
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || isRelays(url.pathname)) {
    return;
  }
  if (request.mode === "navigate") {
    event.respondWith(page(request));
  } else if (url.pathname !== "/sw.js") {
    event.respondWith(file(request));
  }
});
