// What the benchmarks put into each page before its own scripts run: clocks, eyes, hands, and a raw data channel beside the app's.
//
// All times are milliseconds. Those of `clock` count from 1970 and can be compared between pages of one machine.
(() => {
  const clock = () => performance.timeOrigin + performance.now();
  const one = (id) => document.querySelector(`[data-testid="${id}"]`);
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  // The app's own channels, newest last. They are only looked at.
  const live = [];
  // All connections, to ask them what they carried.
  const peers = new Set();
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (...given) {
    const channel = createDataChannel.apply(this, given);
    peers.add(this);
    if (given[0] === "live") {
      live.push(channel);
      linked(this, channel);
    } else if (given[0] === "ring") {
      holdable(channel);
    }
    return channel;
  };

  // When each connection of the app's opened.
  const opened = new Map();

  function linked(peer, channel) {
    channel.addEventListener("open", () => opened.set(peer, clock()));
  }

  // Frames to the relay and to the ring that are held back, while that is wanted.
  let held = null;
  holdable(WebSocket.prototype);

  function holdable(sender) {
    const { send } = sender;
    sender.send = function (frame) {
      if (held === null) {
        send.call(this, frame);
      } else {
        const kept = frame.slice();
        held.push(() => send.call(this, kept));
      }
    };
  }

  // Eyes: when each text came to stand in the document, when it was painted, and when each of one's own was acknowledged.
  const shown = new Map();
  const painted = new Map();
  const delivered = new Map();
  let waiting = [];

  function see(row) {
    const text = row.querySelector('[data-testid="message-text"]')?.textContent;
    if (row.dataset.direction === "in" && !shown.has(text)) {
      shown.set(text, clock());
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => painted.set(text, clock());
        port2.postMessage(null);
      });
    }
    if (row.dataset.direction === "out" && /^(delivered|read)$/.test(row.dataset.state) && !delivered.has(text)) {
      delivered.set(text, clock());
    }
  }

  function look(changes) {
    for (const { target, addedNodes } of changes) {
      if (target.dataset?.testid === "message") {
        see(target);
      }
      for (const added of addedNodes) {
        if (added.dataset?.testid === "message") {
          see(added);
        } else {
          added.querySelectorAll?.('[data-testid="message"]').forEach(see);
        }
      }
    }
    tally();
    if (globalThis.b4Follows) {
      follow();
    }
    waiting = waiting.filter((again) => !again());
  }

  // What the list of contacts counts as unread, each time it changes; and when the page said that it was online.
  const unread = [];
  let online = null;

  function tally() {
    const sum = [...document.querySelectorAll(".badge")].reduce((sum, badge) => sum + Number(badge.textContent), 0);
    if (sum !== (unread.at(-1)?.sum ?? 0)) {
      unread.push({ sum, at: performance.now() });
    }
    if (online === null && one("network-status")?.dataset.state === "online") {
      online = performance.now();
    }
  }

  // What the newest file shows of its way and the first contact of being there, each time it changes; where `b4Follows` is set.
  const ways = [];
  const presences = [];
  let chosen = null;

  function follow() {
    const file = [...document.querySelectorAll('[data-testid="file"]')].at(-1);
    const way = file?.querySelector('[data-testid="file-progress"]')?.textContent.split(" of ")[0];
    if (way !== undefined && way !== ways.at(-1)?.way) {
      ways.push({ way, at: clock() });
    }
    const presence = one("contact")?.dataset.presence;
    if (presence !== undefined && presence !== presences.at(-1)?.presence) {
      presences.push({ presence, at: clock() });
    }
  }

  addEventListener("change", ({ target }) => {
    if (target.dataset?.testid === "attach-file") {
      chosen = clock();
    }
  }, true);

  const attributeFilter = ["data-state", "data-holders", "data-presence", "data-progress", "data-testid"];
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true, attributeFilter });

  // Resolves as soon as `found` returns something, looked at after every change of the document.
  function until(found) {
    return new Promise((done) => {
      const again = () => {
        const answer = found();
        if (answer) {
          done(answer);
        }
        return Boolean(answer);
      };
      if (!again()) {
        waiting.push(again);
      }
    });
  }

  // Hands.
  function write(field, text) {
    field.focus();
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText", data: text }));
  }

  const enter = (field) => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));

  // Writes a text; returns when Enter was pressed.
  function say(text) {
    const field = one("composer-input");
    write(field, text);
    const at = clock();
    enter(field);
    return at;
  }

  // A pair of raw channels: made as the app makes its own, and nothing else. `signals` is a WebSocket to the other page.
  const raw = { signals: null, peer: null, channel: null, heard: null, left: 0 };

  function rawPeer(heard) {
    raw.peer?.close();
    raw.peer = new RTCPeerConnection({ iceServers: [] });
    raw.peer.onicecandidate = ({ candidate }) => candidate && raw.signals.send(JSON.stringify({ candidate }));
    raw.channel = raw.peer.createDataChannel("raw", { negotiated: true, id: 1, ordered: true });
    raw.channel.binaryType = "arraybuffer";
    raw.channel.onmessage = ({ data }) => heard(data);
  }

  async function rawSignal({ offer, answer, candidate }) {
    if (offer !== undefined) {
      rawPeer(rawAnswer);
      await raw.peer.setRemoteDescription(offer);
      await raw.peer.setLocalDescription(await raw.peer.createAnswer());
      raw.signals.send(JSON.stringify({ answer: raw.peer.localDescription }));
    } else if (answer !== undefined) {
      await raw.peer.setRemoteDescription(answer);
    } else {
      await raw.peer.addIceCandidate(candidate);
    }
  }

  // Tells its clock, returns bytes, or counts and drops as many as were announced and then tells that they came.
  function rawAnswer(data) {
    if (typeof data !== "string") {
      if (raw.left === 0) {
        raw.channel.send(data);
      } else if ((raw.left -= data.byteLength) === 0) {
        raw.channel.send("all");
      }
    } else if (data.startsWith("pour ")) {
      raw.left = Number(data.slice(5));
    } else {
      raw.channel.send(String(clock()));
    }
  }

  function rawListen(url) {
    raw.signals?.close();
    return new Promise((done, failed) => {
      const signals = new WebSocket(url);
      let before = Promise.resolve();
      signals.onmessage = ({ data }) => {
        before = before.then(() => rawSignal(JSON.parse(data)));
      };
      signals.onopen = () => done(true);
      signals.onerror = () => failed(new Error("no signalling"));
      raw.signals = signals;
    });
  }

  // From createOffer to the open channel.
  async function rawConnect() {
    rawPeer((data) => raw.heard?.(data));
    const opened = new Promise((done) => {
      raw.channel.onopen = done;
    });
    const at = clock();
    await raw.peer.setLocalDescription(await raw.peer.createOffer());
    raw.signals.send(JSON.stringify({ offer: raw.peer.localDescription }));
    await opened;
    return clock() - at;
  }

  function rawAsk(data) {
    return new Promise((done) => {
      raw.heard = done;
      raw.channel.send(data);
    });
  }

  // How far the other page's clock is ahead of this one's: the answer that took the shortest time tells best.
  async function rawClock(count) {
    let best = { took: Infinity };
    for (let n = 0; n < count; n += 1) {
      const at = clock();
      const theirs = Number(await rawAsk("clock"));
      const took = clock() - at;
      if (took < best.took) {
        best = { took, ahead: theirs - at - took / 2 };
      }
    }
    return best;
  }

  // Mean time there and back of `count` echoes of `bytes` bytes, one after the other.
  async function rawEcho(count, bytes) {
    const data = new Uint8Array(bytes);
    const at = clock();
    for (let n = 0; n < count; n += 1) {
      await rawAsk(data);
    }
    return (clock() - at) / count;
  }

  // Sends `bytes` bytes in pieces, with at most `high` buffered and more from `low` down. Milliseconds until the other page had all.
  async function rawPour(bytes, piece, high, low) {
    const { channel } = raw;
    channel.bufferedAmountLowThreshold = low;
    const data = crypto.getRandomValues(new Uint8Array(piece));
    const all = new Promise((done) => {
      raw.heard = done;
    });
    const at = clock();
    channel.send(`pour ${bytes}`);
    for (let left = bytes; left > 0; left -= piece) {
      if (channel.bufferedAmount + piece > high) {
        await new Promise((done) => channel.addEventListener("bufferedamountlow", done, { once: true }));
      }
      channel.send(left < piece ? data.subarray(0, left) : data);
    }
    await all;
    return clock() - at;
  }

  // The same over the app's session. A page that is told that the network is back probes its sessions: an encrypted ping, which
  // the other end decrypts and answers. This listener is behind the app's, so decrypting the answer is counted, too. The page would
  // also ask the relay and the ring each time whether they are there: those frames go out at the end.
  async function appEcho(count) {
    const channel = live.filter(({ readyState }) => readyState === "open").at(-1);
    let heard = null;
    let bytes = 0;
    const listener = ({ data }) => {
      bytes = data.byteLength;
      heard?.();
    };
    channel.addEventListener("message", listener);
    held = [];
    const at = clock();
    for (let n = 0; n < count; n += 1) {
      await new Promise((done) => {
        heard = done;
        window.dispatchEvent(new Event("online"));
      });
    }
    const mean = (clock() - at) / count;
    channel.removeEventListener("message", listener);
    const waited = held;
    held = null;
    waited.forEach((send) => send());
    return { mean, bytes };
  }

  // From the order to find somebody to the first message acknowledged by them, as fast as the page lets a person be.
  async function meet(user, text) {
    const at = clock();
    write(one("add-contact-input"), user);
    one("add-contact-submit").click();
    return firstMessage(at, user, text);
  }

  // The same with somebody who is in the list.
  async function reopen(user, text) {
    const at = clock();
    document.querySelector(`[data-testid="contact"][data-user-id="${user}"]`).click();
    return firstMessage(at, user, text);
  }

  async function firstMessage(at, user, text) {
    await until(() => location.pathname === `/chat/${user}` && one("composer-input")?.disabled === false);
    const said = say(text);
    const arrived = await until(() => delivered.get(text));
    return { took: arrived - at, said: said - at };
  }

  // Messages one at a time, each after the one before was acknowledged and a moment's rest.
  async function saySlowly(prefix, count, rest) {
    const said = {};
    for (let n = 0; n < count; n += 1) {
      const text = `${prefix} ${n}`;
      said[text] = say(text);
      await until(() => delivered.has(text));
      // Not in step with anything that the pages do at intervals.
      await pause(rest + Math.random() * rest);
    }
    return said;
  }

  // Messages one at a time to somebody who is away, from the moment that one can be written; milliseconds from Enter to so many holders.
  async function leaveSlowly(prefix, count, holders) {
    await until(() => one("composer-input")?.disabled === false);
    const took = [];
    for (let n = 0; n < count; n += 1) {
      const text = `${prefix} ${n}`;
      const at = say(text);
      const shows = (message) => message.querySelector("[data-testid=message-text]")?.textContent === text;
      const message = await until(() => [...document.querySelectorAll("[data-testid=message]")].findLast(shows));
      await until(() => Number(message.dataset.holders) >= holders);
      took.push(clock() - at);
      await pause(100 + Math.random() * 100);
    }
    return took;
  }

  // Messages at once to somebody who is away.
  function leaveAtOnce(prefix, count) {
    Array.from({ length: count }, (_, n) => `${prefix} ${n}`).forEach(say);
  }

  // When the list of contacts counted so many unread, and when the page was online, after it began to load.
  async function collected(count) {
    const all = await until(() => unread.find(({ sum }) => sum >= count));
    return { all: all.at, online };
  }

  // Messages of `bytes` bytes at once. The page shows the newest ones; acknowledgements come in order.
  async function sayAtOnce(prefix, count, bytes) {
    const texts = Array.from({ length: count }, (_, n) => `${prefix} ${n} `.padEnd(bytes, "."));
    const at = clock();
    texts.forEach(say);
    const entered = clock() - at;
    const arrived = await until(() => delivered.get(texts.at(-1)));
    return { took: arrived - at, entered };
  }

  const card = (name) => [...document.querySelectorAll('[data-testid="file"]')].findLast((file) => file.textContent.includes(name));

  // Milliseconds from a file being chosen to its card in the chat: it is copied and hashed between.
  async function offered(name) {
    await until(() => card(name));
    return clock() - chosen;
  }

  // Accepts a file that is offered. Milliseconds from that to the first record of it and to all of it.
  async function receive(name) {
    const accept = await until(() => card(name)?.querySelector('[data-testid="file-accept"]'));
    const at = clock();
    accept.click();
    await until(() => card(name)?.dataset.state === "complete");
    const took = clock() - at;
    const first = Math.min(...b4Bulk.all().flatMap(({ began }) => began.filter((began) => began > at)));
    return { took, first: first - at };
  }

  // Of a file that goes on after the time `cut`: the new link, the contact there, the first record, the first progress on the page.
  async function resumed(cut) {
    const [peer, back] = await until(() => [...opened].find(([peer, back]) => back > cut && b4Bulk.of(peer).began.length > 0));
    const [heard] = b4Bulk.of(peer).began;
    const before = ways.findLast(({ at }) => at <= heard)?.way;
    const shown = await until(() => ways.find(({ way, at }) => at > heard && way !== before));
    const online = presences.find(({ presence, at }) => presence === "online" && at > cut);
    return { began: performance.timeOrigin, opened: back, online: online?.at ?? null, heard, shown: shown.at };
  }

  // The most that was ever buffered in a channel for files.
  const buffered = () => Math.max(0, ...b4Bulk.all().map(({ most }) => most));

  // Messages of any text that begins so in this browser's store.
  function stored(prefix) {
    return new Promise((done, failed) => {
      const opening = indexedDB.open("b4");
      opening.onerror = () => failed(opening.error);
      opening.onsuccess = () => {
        const database = opening.result;
        const reading = database.transaction("messages").objectStore("messages").getAll();
        reading.onerror = () => failed(reading.error);
        reading.onsuccess = () => {
          database.close();
          const decoder = new TextDecoder();
          done(reading.result.filter((row) => decoder.decode(row).includes(prefix)).length);
        };
      };
    });
  }

  const seen = (prefix) => {
    const of = (map) => Object.fromEntries([...map].filter(([text]) => text.startsWith(prefix)));
    return { shown: of(shown), painted: of(painted), delivered: of(delivered) };
  };

  // What all connections carried so far, DTLS and SCTP with it, and the checks by which ICE keeps them open.
  async function traffic() {
    const sum = { bytes: 0, checks: 0 };
    for (const peer of peers) {
      for (const one of (await peer.getStats()).values()) {
        if (one.type === "transport") {
          sum.bytes += one.bytesSent + one.bytesReceived;
        } else if (one.type === "candidate-pair") {
          sum.checks += (one.requestsSent ?? 0) + (one.responsesSent ?? 0) + (one.requestsReceived ?? 0) + (one.responsesReceived ?? 0);
        }
      }
    }
    return sum;
  }

  // Orders take long and are asked after: a driver that waits for them would be measured, too.
  const orders = { rawListen, rawConnect, rawClock, rawEcho, rawPour, appEcho, offered, receive, resumed, buffered, meet, reopen, saySlowly, sayAtOnce, leaveSlowly, leaveAtOnce, collected, stored, seen, traffic };
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
})();
