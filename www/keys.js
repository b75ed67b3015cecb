// Private-key operations, off the page's own thread. The keys are handles: nobody can read them here either.
//
// In: number, `sign` or `decrypt`, parameters, key, data. Out: the number, and the result unless WebCrypto refused.

const methods = ["sign", "decrypt"];

globalThis.addEventListener("message", async ({ data: [number, method, how, key, data] }) => {
  try {
    const result = methods.includes(method) ? await globalThis.crypto.subtle[method](how, key, data) : undefined;
    globalThis.postMessage([number, result], result === undefined ? [] : [result]);
  } catch {
    globalThis.postMessage([number]);
  }
});
