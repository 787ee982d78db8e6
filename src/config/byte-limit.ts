// Bounds the bytes of Lua's strings. They live outside the heap that a thread's
// own limit covers, so that a doubled string could take all memory there is. The
// thread ends itself: an error inside Lua could be caught there.

import { workerData } from "node:worker_threads";
import { endsOfMemory, stateAt, type ToWorker } from "./lua-words.js";

/** Bytes between two looks at how much is in use. */
const lookEvery = 1024 * 1024;

const { progress, memoryMax } = workerData as ToWorker;
const shared = new Float64Array(progress);
let sinceLook = 0;

function count(bytes: number): void {
  sinceLook += bytes;
  if (sinceLook < lookEvery) return;
  sinceLook = 0;
  if (bytes <= memoryMax && process.memoryUsage().arrayBuffers + bytes <= memoryMax) return;
  shared[stateAt] = endsOfMemory;
  process.exit();
}

const Bytes = globalThis.Uint8Array;
const { slice } = Bytes.prototype;

Bytes.prototype.slice = function counted(...range) {
  count(this.length);
  return slice.apply(this, range);
};

// fengari makes every string by `new Uint8Array` or by `Uint8Array.from`.
globalThis.Uint8Array = new Proxy(Bytes, {
  construct(target, list: unknown[]) {
    const [first] = list;
    if (typeof first === "number") count(first);
    else if (first !== undefined) count((first as { length?: number }).length ?? 0);
    return Reflect.construct(target, list);
  },
});
