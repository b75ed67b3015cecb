// The bytes of files, off the page's own thread: copied, cut into blocks, sealed and opened, checked and kept. They never enter the app's
// module. The page hands orders on and decides nothing; what a record looks like stands in PROTOCOL.md#bulk. A link's channel is handed
// over with `carry`; where the browser cannot do that, records pass through the page, as many as `credit` allows.
//
// In: an order's name (`orders`, at the end) and what it takes. Out: `answer` ticket, result or none, why not; `progress` ticket, bytes;
// `record` link, bytes; `sent` and `came` link, number, `ok` or what went wrong (`sent` also `stopped`); `refuse` link, for one whose other end keeps no rules.

const { subtle } = globalThis.crypto;

const BLOCK_BYTES = 64 * 1024;
const SLICE_BYTES = 16 * BLOCK_BYTES; // What is read of a chosen file at a time.
const HEADER_BYTES = 9;
const OVERHEAD_BYTES = HEADER_BYTES + 16;
const BLOB_HEADER_BYTES = 40;
const TYPE_BULK = 0x11;
const HASH_BYTES = 32;

const HANDLES_MAX = 16; // Files that are held open at once.
const IDLE_MS = 1000; // After so long without a use they are closed, for somebody else may want them.
const LOCKED_MS = 100; // Between two looks whether another page has let go of a file.
const LOCKED_TIMES = 50;
const PROGRESS_MS = 250;
const SPENT_MAX = 32; // Of the largest, 2 MiB.
const BUFFERED_BYTES_MAX = 1024 * 1024; // Of a channel: what a link of 100 MB/s sends in 10 ms.
const BUFFERED_BYTES_LOW = 512 * 1024; // With no more than that buffered, it is filled again: on busy machines the turn comes late.
const DROPPED_MAX = 1024; // Numbers of a link whose records are still thrown away: far more than are asked for at once.

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Gives the memory of a buffer back at once: it is sent to nobody. A browser that is left to collect it lets 64 MiB come together.
const nobody = new MessageChannel();
nobody.port2.close();
const FREED_BYTES = 1024 * 1024; // So many at once: a message for each takes longer than it should.
let freed = [];
let freedBytes = 0;
function free(buffer) {
  freed.push(buffer);
  freedBytes += buffer.byteLength;
  if (freedBytes >= FREED_BYTES) {
    nobody.port1.postMessage(undefined, freed);
    freed = [];
    freedBytes = 0;
  }
}

// What messages leave behind is small and many, and browsers let some 50 MiB of it come together. Memory that is asked for, never touched and
// let go of again makes them look, at 0.5 s of processor time a GiB, which takes 90 to be sent.
const LOOK_BYTES = 8 * 1024 * 1024;
let unlooked = 0;
function passed(bytes) {
  unlooked += bytes;
  if (unlooked >= LOOK_BYTES) {
    unlooked = 0;
    try {
      new ArrayBuffer(4 * LOOK_BYTES);
    } catch {
      // There is none: then it looks by itself.
    }
  }
}

const trouble = (error) => (error?.name === "QuotaExceededError" ? "full" : "failed");

// The origin's own folder: one file for each slot, read and written in place.
async function onDisk() {
  if (!("createSyncAccessHandle" in globalThis.FileSystemFileHandle.prototype)) {
    throw new Error("no access in place");
  }
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("files", { create: true });
  const open = new Map(); // The one that was not used for longest comes first.
  let idle;
  let used = 0;

  function close(slot) {
    open.get(slot)?.close();
    open.delete(slot);
  }

  function rest() {
    const left = used + IDLE_MS - performance.now();
    idle = left > 0 ? setTimeout(rest, left) : undefined;
    if (idle === undefined) {
      [...open.keys()].forEach(close);
    }
  }

  // A page that was closed or loaded again holds its files for a moment still.
  async function unlocked(act) {
    for (let times = 0; ; times += 1) {
      try {
        return await act();
      } catch (error) {
        if (error.name !== "NoModificationAllowedError" || times === LOCKED_TIMES) {
          throw error;
        }
        await pause(LOCKED_MS);
      }
    }
  }

  async function opened(slot, create) {
    const file = await folder.getFileHandle(slot, { create });
    return unlocked(() => file.createSyncAccessHandle());
  }

  // `act` runs at once when the file is open, before anything can close it.
  async function using(slot, create, act) {
    const handle = open.get(slot) ?? (await opened(slot, create));
    open.delete(slot);
    open.set(slot, handle);
    if (open.size > HANDLES_MAX) {
      close(open.keys().next().value);
    }
    used = performance.now();
    idle ??= setTimeout(rest, IDLE_MS);
    return act(handle);
  }

  return {
    async write(slot, at, bytes) {
      const written = await using(slot, true, (handle) => handle.write(bytes, { at }));
      if (written !== bytes.length) {
        throw new DOMException("not all was written", "QuotaExceededError");
      }
    },
    read: (slot, at, into) => using(slot, false, (handle) => handle.read(into, { at })),
    flush: (slot) => using(slot, true, (handle) => handle.flush()),
    async file(slot) {
      close(slot);
      return (await folder.getFileHandle(slot)).getFile();
    },
    remove(slot) {
      close(slot);
      return unlocked(() => folder.removeEntry(slot));
    },
    async slots() {
      const slots = [];
      for await (const slot of folder.keys()) {
        slots.push(slot);
      }
      return slots;
    },
  };
}

// Where there is no such folder, as in some private windows: a row for each block. Starts and ends of what is written are blocks' own.
async function inDatabase() {
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const opening = indexedDB.open("b4-files", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("blocks");
  const database = await settled(opening);
  const reading = () => database.transaction("blocks", "readonly").objectStore("blocks");
  const all = (slot) => IDBKeyRange.bound([slot, 0], [slot, Infinity]);
  const unwritten = new Map(); // Of each slot: blocks by their number. A transaction for each would take ten times as long.

  // Done is what is durable.
  function writing(act) {
    const transaction = database.transaction("blocks", "readwrite", { durability: "strict" });
    act(transaction.objectStore("blocks"));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  }

  // What fails is tried again with what comes next.
  async function flush(slot) {
    const rows = unwritten.get(slot);
    if (rows !== undefined) {
      await writing((blocks) => rows.forEach((block, number) => blocks.put(block, [slot, number])));
      unwritten.delete(slot);
      rows.forEach(({ buffer }) => free(buffer));
    }
  }

  return {
    async write(slot, at, bytes) {
      const rows = unwritten.get(slot) ?? new Map();
      for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
        rows.set((at + from) / BLOCK_BYTES, bytes.slice(from, from + BLOCK_BYTES));
      }
      unwritten.set(slot, rows);
      if (rows.size * BLOCK_BYTES >= SLICE_BYTES) {
        await flush(slot);
      }
    },
    async read(slot, at, into) {
      const block = (await settled(reading().get([slot, at / BLOCK_BYTES]))) ?? new Uint8Array();
      into.set(block.subarray(0, into.length));
      return Math.min(block.length, into.length);
    },
    flush,
    async file(slot) {
      await flush(slot);
      const count = await settled(reading().count(all(slot)));
      const parts = [];
      for (let from = 0; from < count; from += 256) {
        parts.push(new Blob(await settled(reading().getAll(IDBKeyRange.bound([slot, from], [slot, from + 255])))));
      }
      return count === 0 ? undefined : new Blob(parts);
    },
    remove(slot) {
      unwritten.delete(slot);
      return writing((blocks) => blocks.delete(all(slot)));
    },
    async slots() {
      const slots = [];
      for (let range; ; ) {
        const cursor = await settled(reading().openKeyCursor(range));
        if (cursor === null) {
          return slots;
        }
        slots.push(cursor.key[0]);
        range = IDBKeyRange.lowerBound([cursor.key[0], Infinity]);
      }
    },
  };
}

const store = onDisk().catch(inDatabase);
let swept = Promise.resolve();
const turns = new Map();

// What is done with a slot is done in the order in which it was ordered.
function inTurn(slot, act) {
  const turn = (turns.get(slot) ?? swept).then(async () => act(await store));
  const done = turn.then(
    () => {},
    () => {},
  );
  turns.set(slot, done);
  done.then(() => turns.get(slot) === done && turns.delete(slot));
  return turn;
}

const write = (slot, at, bytes) => inTurn(slot, (there) => there.write(slot, at, bytes));
const read = (slot, at, into) => inTurn(slot, (there) => there.read(slot, at, into));
const flush = (slot) => inTurn(slot, (there) => there.flush(slot));

// What is not there is gone already.
const remove = (slot) => inTurn(slot, (there) => there.remove(slot)).catch(() => {});

// What is ordered later waits for the list, so that it is not in it.
function sweep(keep) {
  const listed = store.then((there) => there.slots());
  swept = listed.then(
    (slots) => slots.filter((slot) => !keep.includes(slot)).forEach(remove),
    () => {},
  );
}

function file(ticket, slot) {
  inTurn(slot, (there) => there.file(slot)).then(
    (found) => postMessage(["answer", ticket, found]),
    () => postMessage(["answer", ticket]),
  );
}

// Chosen files that are being copied, by ticket.
const copying = new Set();

const hash = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));

async function copied(ticket, chosen, slot) {
  const hashes = new Uint8Array(HASH_BYTES * Math.ceil(chosen.size / BLOCK_BYTES));
  let told = performance.now();
  for (let at = 0; at < chosen.size; at += SLICE_BYTES) {
    const bytes = new Uint8Array(await chosen.slice(at, at + SLICE_BYTES).arrayBuffer());
    if (bytes.length !== Math.min(SLICE_BYTES, chosen.size - at)) {
      throw new Error("it became shorter");
    }
    const blocks = Array.from({ length: Math.ceil(bytes.length / BLOCK_BYTES) }, (_, block) => block * BLOCK_BYTES);
    const of = await Promise.all(blocks.map((from) => hash(bytes.subarray(from, from + BLOCK_BYTES))));
    of.forEach((one, block) => hashes.set(one, HASH_BYTES * (at / BLOCK_BYTES + block)));
    if (!copying.has(ticket)) {
      throw new Error("cancelled");
    }
    await write(slot, at, bytes);
    passed(bytes.length);
    free(bytes.buffer);
    if (performance.now() - told >= PROGRESS_MS) {
      told = performance.now();
      postMessage(["progress", ticket, Math.min(at + SLICE_BYTES, chosen.size)]);
    }
  }
  if (chosen.size > 0) {
    await flush(slot);
  }
  return hashes.buffer;
}

async function prepare(ticket, chosen, slot) {
  copying.add(ticket);
  try {
    const hashes = await copied(ticket, chosen, slot);
    if (!copying.has(ticket)) {
      throw new Error("cancelled");
    }
    postMessage(["answer", ticket, hashes], [hashes]);
  } catch (error) {
    await remove(slot);
    postMessage(["answer", ticket, undefined, copying.has(ticket) ? trouble(error) : "cancelled"]);
  }
  copying.delete(ticket);
}

// Of each link: its channel, if it was handed over, else what may be sent; parts to be sent by slot, parts that are expected by number,
// and how much may still come of those that are expected no more.
const links = new Map();

function linkOf(link) {
  if (!links.has(link)) {
    links.set(link, { link, channel: undefined, credit: 0, files: new Map(), pouring: false, expected: new Map(), dropped: new Map() });
  }
  return links.get(link);
}

const refuse = (link) => postMessage(["refuse", link]);

function carry(link, channel) {
  const of = linkOf(link);
  of.channel = channel;
  channel.binaryType = "arraybuffer";
  channel.bufferedAmountLowThreshold = BUFFERED_BYTES_LOW;
  channel.onopen = () => pour(of);
  channel.onbufferedamountlow = () => pour(of);
  channel.onmessage = ({ data }) => frame(link, data);
  channel.onclose = () => links.get(link) === of && refuse(link);
}

function forget(link) {
  const channel = links.get(link)?.channel;
  links.delete(link);
  channel?.close();
}

// Bytes that may go out now.
function room({ channel, credit }) {
  if (channel === undefined) {
    return credit;
  }
  return channel.readyState === "open" ? BUFFERED_BYTES_MAX - channel.bufferedAmount : 0;
}

function send(of, record) {
  if (of.channel === undefined) {
    of.credit -= record.byteLength;
    postMessage(["record", of.link, record], [record]);
  } else if (of.channel.readyState === "open") {
    of.channel.send(record);
    reuse([record]); // The channel has a copy.
  }
}

// A key is used for one direction of one part.
const imported = (key, use) => subtle.importKey("raw", key, "AES-GCM", false, [use]);

function method(head, offset) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(8, offset);
  return { name: "AES-GCM", iv, additionalData: head };
}

function seal(link, number, slot, start, bytes, key, piece) {
  const of = linkOf(link);
  const part = { number, slot, start, bytes, piece, next: 0, block: new Uint8Array(BLOCK_BYTES), key: imported(key, "encrypt") };
  of.files.set(slot, [...(of.files.get(slot) ?? []), part]);
  pour(of);
}

// Buffers of records that were sent, to be used again: a browser that is left to collect them lets 64 MiB come together.
let spent = [];

function reuse(buffers) {
  spent = [...spent, ...buffers].slice(-SPENT_MAX);
}

function credit(link, bytes, buffers) {
  reuse(buffers);
  const of = links.get(link);
  if (of !== undefined) {
    of.credit += bytes;
    pour(of);
  }
}

// How long the part's next piece is: never over a block's end.
function pieceOf(part) {
  return Math.min(part.piece, BLOCK_BYTES - (part.next % BLOCK_BYTES), part.bytes - part.next);
}

// Sends as much as there is room for, one record of each file in turn.
async function pour(of) {
  if (of.pouring) {
    return;
  }
  of.pouring = true;
  while (of.files.size > 0 && links.get(of.link) === of) {
    const [slot, [part, ...after]] = of.files.entries().next().value;
    if (pieceOf(part) + OVERHEAD_BYTES > room(of)) {
      break;
    }
    const result = part.stopped ? "stopped" : await record(part).catch(trouble);
    const others = of.files.get(slot).slice(1);
    if (links.get(of.link) !== of) {
      return;
    }
    of.files.delete(slot);
    if (typeof result !== "string") {
      send(of, result);
    }
    const rest = typeof result === "string" || part.next === part.bytes ? others : [part, ...others];
    if (rest.length > 0) {
      of.files.set(slot, rest);
    }
    if (!rest.includes(part)) {
      postMessage(["sent", of.link, part.number, typeof result === "string" ? result : "ok"]);
    }
  }
  of.pouring = false;
}

// It goes at its turn.
function unseal(link, number) {
  const parts = [...(links.get(link)?.files.values() ?? [])].flat();
  parts.filter((part) => part.number === number).forEach((part) => (part.stopped = true));
}

async function record(part) {
  const within = part.next % BLOCK_BYTES;
  if (within === 0) {
    const wanted = Math.min(BLOCK_BYTES, part.bytes - part.next);
    if ((await read(part.slot, part.start + part.next, part.block.subarray(0, wanted))) !== wanted) {
      throw new Error("it is shorter");
    }
  }
  const length = pieceOf(part);
  const again = spent.pop();
  const made = new Uint8Array(again?.byteLength === length + OVERHEAD_BYTES ? again : length + OVERHEAD_BYTES);
  const view = new DataView(made.buffer);
  view.setUint8(0, TYPE_BULK);
  view.setUint32(1, part.number);
  view.setUint32(5, part.next);
  const how = method(made.subarray(0, HEADER_BYTES), part.next);
  const sealed = await subtle.encrypt(how, await part.key, part.block.subarray(within, within + length));
  made.set(new Uint8Array(sealed), HEADER_BYTES);
  free(sealed);
  passed(length / 2); // Sending leaves less behind than receiving.
  part.next += length;
  return made.buffer;
}

// A buffer of a part that was written, to be used again.
let blank;

function expect(link, number, slot, start, bytes, key, hashes) {
  const buffer = new Uint8Array(blank?.byteLength === bytes ? blank : bytes);
  blank = buffer.buffer === blank ? undefined : blank;
  const part = { number, slot, start, bytes, hashes, next: 0, buffer, key: imported(key, "decrypt"), turn: Promise.resolve() };
  linkOf(link).expected.set(number, part);
}

// Nothing more of it is looked at: what may still come is thrown away.
function drop(of, part) {
  of.expected.delete(part.number);
  if (part.next < part.bytes) {
    of.dropped.set(part.number, part.bytes - part.next);
  }
  if (of.dropped.size > DROPPED_MAX) {
    of.dropped.delete(of.dropped.keys().next().value);
  }
}

function unexpect(link, number) {
  const of = links.get(link);
  const part = of?.expected.get(number);
  if (part !== undefined) {
    drop(of, part);
  }
}

const isExpected = (of, part) => of.expected.get(part.number) === part && links.get(of.link) === of;

function end(of, part, result) {
  if (isExpected(of, part)) {
    drop(of, part);
    postMessage(["came", of.link, part.number, result]);
  }
}

// A record that came. Its place is judged at once, its content in its turn.
function frame(link, bytes) {
  const of = links.get(link);
  if (of === undefined) {
    return;
  }
  const length = bytes.byteLength - OVERHEAD_BYTES;
  if (!(length >= 1) || new DataView(bytes).getUint8(0) !== TYPE_BULK) {
    refuse(link); // Text has no such length.
    return;
  }
  const view = new DataView(bytes);
  const [number, offset] = [view.getUint32(1), view.getUint32(5)];
  const part = of.expected.get(number);
  if (part === undefined) {
    thrownAway(of, number, length);
  } else if (offset !== part.next || length > Math.min(BLOCK_BYTES - (offset % BLOCK_BYTES), part.bytes - offset)) {
    end(of, part, "differs");
  } else {
    part.next += length;
    passed(length);
    const how = method(new Uint8Array(bytes, 0, HEADER_BYTES), offset);
    const opened = part.key.then((key) => {
      const opening = subtle.decrypt(how, key, new Uint8Array(bytes, HEADER_BYTES)); // It has a copy of its own by now.
      free(bytes);
      return opening;
    });
    part.turn = Promise.allSettled([opened, part.turn]).then(([{ value }]) => take(of, part, offset, value));
  }
}

function thrownAway(of, number, length) {
  const left = (of.dropped.get(number) ?? 0) - length;
  if (left > 0) {
    of.dropped.set(number, left);
  } else {
    of.dropped.delete(number);
  }
  if (left < 0) {
    refuse(of.link);
  }
}

async function take(of, part, offset, opened) {
  if (!isExpected(of, part)) {
    return;
  }
  if (opened === undefined) {
    end(of, part, "differs");
    return;
  }
  const until = offset + opened.byteLength;
  part.buffer.set(new Uint8Array(opened), offset);
  free(opened);
  if (until % BLOCK_BYTES !== 0 && until !== part.bytes) {
    return;
  }
  const at = Math.floor((until - 1) / BLOCK_BYTES);
  try {
    if (!(await isHash(part.buffer.subarray(at * BLOCK_BYTES, until), part.hashes, at))) {
      end(of, part, "differs");
    } else if (until === part.bytes && isExpected(of, part)) {
      await write(part.slot, part.start, part.buffer); // At once: the browser notes each writing, which takes longer than the writing.
      await flush(part.slot);
      blank = part.buffer.buffer;
      end(of, part, "ok");
    }
  } catch (error) {
    end(of, part, trouble(error));
  }
}

async function isHash(block, hashes, at) {
  const is = await hash(block);
  return is.every((byte, index) => byte === hashes[HASH_BYTES * at + index]);
}

// Bytes of a file; or, where a key is given, what they are as a blob, which begins with `head` (PROTOCOL.md#blobs).
async function load(ticket, slot, start, bytes, key, number, head) {
  try {
    const loaded = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += BLOCK_BYTES) {
      const wanted = Math.min(BLOCK_BYTES, bytes - at);
      if ((await read(slot, start + at, loaded.subarray(at, at + wanted))) !== wanted) {
        throw new Error("it is shorter");
      }
    }
    const { buffer } = key === undefined ? loaded : await blobOf(loaded, key, number, head);
    postMessage(["answer", ticket, buffer], [buffer]);
  } catch {
    postMessage(["answer", ticket]);
  }
}

async function blobOf(bytes, key, number, head) {
  const sealed = new Uint8Array(await subtle.encrypt(method(head, number), await imported(key, "encrypt"), bytes));
  const blob = new Uint8Array(head.length + sealed.length);
  blob.set(head);
  blob.set(sealed, head.length);
  return blob;
}

// Blobs of blocks that follow each other, the first of this number.
async function save(ticket, slot, start, key, number, blobs, hashes) {
  let result = "ok";
  try {
    const opens = await imported(key, "decrypt");
    for (const [at, blob] of blobs.entries()) {
      const block = await opened(opens, number + at, blob);
      if (block === undefined || !(await isHash(block, hashes, at))) {
        result = "differs";
        break;
      }
      await write(slot, start + at * BLOCK_BYTES, block);
    }
    await flush(slot);
  } catch (error) {
    result = trouble(error);
  }
  postMessage(["answer", ticket, result]);
}

async function opened(key, number, blob) {
  try {
    const how = method(blob.subarray(0, BLOB_HEADER_BYTES), number);
    return new Uint8Array(await subtle.decrypt(how, key, blob.subarray(BLOB_HEADER_BYTES)));
  } catch {
    return undefined;
  }
}

const cancel = (ticket) => copying.delete(ticket);
const orders = { prepare, cancel, file, load, save, remove, sweep, carry, seal, unseal, credit, expect, frame, unexpect, forget };

addEventListener("message", ({ data: [order, ...how] }) => orders[order](...how));
