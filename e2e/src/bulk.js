// Watches the channels for files, wherever the app has them: in the page, or handed over to its worker. It runs before the page's own
// scripts, where the page's policy does not bind it, and only looks.
//
// `b4Bulk.of(connection)` is of one connection, `b4Bulk.all()` of each: when records began to come, each time after a silence, in
// milliseconds since 1970; how many bytes came; and how many were buffered at most.
globalThis.b4Bulk = (() => {
  const watches = new Map();
  const all = () => [...watches.values()];

  // Here, and as text in the worker: `tell` hears each fact.
  function watch(channel, tell) {
    const SILENCE_MS = 50;
    const TOLD_BYTES = 256 * 1024; // A message for each record would take of the time that is measured.
    let [last, bytes, most, rest] = [-Infinity, 0, 0];
    const tellBytes = () => {
      clearTimeout(rest);
      rest = undefined;
      tell({ bytes });
      bytes = 0;
    };
    channel.addEventListener("message", ({ data }) => {
      const at = performance.timeOrigin + performance.now();
      if (at - last > SILENCE_MS) {
        tell({ began: at });
      }
      last = at;
      bytes += data.byteLength;
      rest ??= setTimeout(tellBytes, SILENCE_MS);
      if (bytes >= TOLD_BYTES) {
        tellBytes();
      }
    });
    const { send } = channel;
    channel.send = function (record) {
      send.call(this, record);
      if (this.bufferedAmount > most) {
        most = this.bufferedAmount;
        tell({ most });
      }
    };
  }

  const note = (of, { began, bytes = 0, most = 0 }) => {
    of.began.push(...(began === undefined ? [] : [began]));
    of.bytes += bytes;
    of.most = Math.max(of.most, most);
  };

  const made = new Map();
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (...given) {
    const channel = createDataChannel.apply(this, given);
    if (given[0] === "bulk") {
      const of = { began: [], bytes: 0, most: 0 };
      watches.set(this, of);
      made.set(channel, of);
      watch(channel, (fact) => note(of, fact));
    }
    return channel;
  };

  const inWorker = (url) => `{
    const watch = ${watch};
    addEventListener("message", ({ data: [order, link, channel] }) => {
      if (order === "carry") {
        watch(channel, (fact) => postMessage(["watched", link, fact]));
      }
    });
    const policy = trustedTypes.createPolicy("b4", { createScriptURL: (url) => url });
    importScripts(policy.createScriptURL("${new URL(url, location)}"));
  }`;

  // The app's own worker, with that at its head.
  globalThis.Worker = class extends Worker {
    #carried = new Map();

    constructor(url, ...how) {
      super(URL.createObjectURL(new Blob([inWorker(url)], { type: "text/javascript" })), ...how);
      this.addEventListener("message", ({ data }) => {
        if (data[0] === "watched") {
          note(this.#carried.get(data[1]), data[2]);
        }
      });
    }

    postMessage(order, transfer = []) {
      const channel = transfer.find((one) => made.has(one));
      super.postMessage(order, transfer);
      if (channel !== undefined) {
        this.#carried.set(order[1], made.get(channel));
      }
    }
  };

  return { all, of: (peer) => watches.get(peer) ?? { began: [], bytes: 0, most: 0 } };
})();
