// Other libraries' way of sending a file, on a page that does nothing else. Used as their documents say; nothing of theirs is copied.
//
// The far page waits, the near one dials and sends the file of its field. The receiver says "all" over the same library when it has
// as many bytes as were announced. They keep nothing on disk: PeerJS and Trystero hand a file over whole, and of simple-peer's stream
// the pieces are counted and dropped.
import { createTopicStrategy } from "/trystero/index.mjs";

const clock = () => performance.timeOrigin + performance.now();
const config = { iceServers: [] };
// What simple-peer is given at once, as much as a record of ours.
const PIECE = 64 * 1024;

let connected = null;

const happened = (emitter, name) =>
  new Promise((done, failed) => {
    emitter.on(name, done);
    emitter.on("error", failed);
  });

function socket(url) {
  return new Promise((done, failed) => {
    const opening = new WebSocket(url);
    opening.onopen = () => done(opening);
    opening.onerror = () => failed(new Error("no signalling"));
  });
}

// What is heard while something is sent.
function answer() {
  let hear = null;
  return {
    hear: (text) => hear?.(text),
    next: () =>
      new Promise((done) => {
        hear = done;
      }),
  };
}

const file = () => document.querySelector("input").files[0];

const rivals = {
  // https://peerjs.com: an ArrayBuffer at once, which the library cuts and puts together again.
  peerjs: {
    async wait({ broker, bytes }) {
      const peer = new Peer({ host: "localhost", port: broker, path: "/", config });
      peer.on("connection", (link) => link.on("data", (data) => data.byteLength === bytes && link.send("all")));
      return happened(peer, "open");
    },
    async dial({ broker }, address) {
      const peer = new Peer({ host: "localhost", port: broker, path: "/", config });
      await happened(peer, "open");
      const link = peer.connect(address, { serialization: "binary", reliable: true });
      await happened(link, "open");
      const heard = answer();
      link.on("data", heard.hear);
      return async () => {
        const all = heard.next();
        link.send(await file().arrayBuffer());
        await all;
      };
    },
  },

  // A stream of Node's: write until it is full, go on when it has drained.
  "simple-peer": {
    async wait({ signals, bytes }) {
      const peer = await simplePeer(false, signals);
      let left = bytes;
      peer.on("data", (piece) => {
        left -= piece.length;
        if (left === 0) {
          peer.write("all");
        }
      });
      return null;
    },
    async dial({ signals }) {
      const peer = await simplePeer(true, signals);
      await happened(peer, "connect");
      const heard = answer();
      peer.on("data", (data) => heard.hear(String(data)));
      return async () => {
        const all = heard.next();
        const reader = file().stream().getReader();
        for (let read = await reader.read(); !read.done; read = await reader.read()) {
          for (let at = 0; at < read.value.length; at += PIECE) {
            if (!peer.write(read.value.subarray(at, at + PIECE))) {
              await new Promise((done) => peer.once("drain", done));
            }
          }
        }
        await all;
      };
    },
  },

  // An action with an ArrayBuffer, over a strategy of one's own: only how peers find each other is in that.
  trystero: {
    async wait({ signals, bytes }) {
      const room = join(signals);
      const all = room.makeAction("all");
      room.makeAction("file").onMessage = (data, { peerId }) => data.byteLength === bytes && all.send("all", { target: peerId });
      return null;
    },
    async dial({ signals }) {
      const room = join(signals);
      const [all, action] = [room.makeAction("all"), room.makeAction("file")];
      const heard = answer();
      all.onMessage = heard.hear;
      await new Promise((done) => {
        room.onPeerJoin = done;
      });
      return async () => {
        const came = heard.next();
        await action.send(await file().arrayBuffer());
        await came;
      };
    },
  },
};

async function simplePeer(initiator, url) {
  const signals = await socket(url);
  const peer = new SimplePeer({ initiator, config });
  peer.on("signal", (data) => signals.send(JSON.stringify(data)));
  signals.onmessage = ({ data }) => peer.signal(JSON.parse(data));
  return peer;
}

const joinRoom = createTopicStrategy({
  init: ({ relayConfig }) => socket(relayConfig.urls[0]),
  subscribeTopic(client, topic, onMessage) {
    const listener = ({ data }) => {
      const message = JSON.parse(data);
      if (message.topic === topic) {
        onMessage(topic, message.payload);
      }
    };
    client.addEventListener("message", listener);
    return () => client.removeEventListener("message", listener);
  },
  publishTopic: (client, topic, payload) => client.send(JSON.stringify({ topic, payload })),
});

const join = (signals) => joinRoom({ appId: "b4-bench", relayConfig: { urls: [signals] }, rtcConfig: config }, "files");

const orders = {
  wait: (name, where) => rivals[name].wait(where),
  async dial(name, where, address) {
    connected = await rivals[name].dial(where, address);
    return true;
  },
  // From the order, with the file on the disk, to the other page's word that it has all.
  async send() {
    const at = clock();
    await connected();
    return clock() - at;
  },
};
let job = {};
globalThis.b4Bench = {
  begin(name, given) {
    const mine = { done: false };
    job = mine;
    Promise.resolve()
      .then(() => orders[name](...given))
      .then((value) => Object.assign(mine, { done: true, value }))
      .catch((why) => Object.assign(mine, { done: true, why: `${why?.stack ?? why}` }));
    return true;
  },
  outcome: () => (job.done ? { value: job.value ?? null, why: job.why ?? null } : null),
};
