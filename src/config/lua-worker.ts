// The thread in which discd.lua runs: nothing it does can hold up the daemon.
// What a file may take of memory is bounded here for the bytes of its strings,
// which live outside the heap that the thread's own limit covers. Built as a
// file of its own, dist/lua-worker.js.

import { parentPort, workerData } from "node:worker_threads";
import { runLua } from "./lua-run.js";
import type { LuaJob } from "./lua-value.js";
import { endsOfMemory, type FromWorker, progressAt, stateAt } from "./lua-words.js";

/** Bytes between two looks at how much is in use. */
const lookEvery = 1024 * 1024;

const { job, progress, memoryMax } = workerData as {
  job: LuaJob;
  progress: SharedArrayBuffer;
  memoryMax: number;
};
const shared = new Float64Array(progress);

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

/** Counts the bytes of strings; an error inside Lua could be caught there, so the thread ends. */
function limitBytes(): void {
  let sinceLook = 0;
  const count = (bytes: number): void => {
    sinceLook += bytes;
    if (sinceLook < lookEvery) return;
    if (bytes > memoryMax || process.memoryUsage().arrayBuffers + bytes > memoryMax) {
      shared[stateAt] = endsOfMemory;
      process.exit();
    }
    sinceLook = 0;
  };
  const Bytes = globalThis.Uint8Array;
  const { slice } = Bytes.prototype;
  Bytes.prototype.slice = function counted(...range) {
    count(this.length);
    return slice.apply(this, range);
  };
  globalThis.Uint8Array = new Proxy(Bytes, {
    construct(target, list: unknown[], made) {
      if (typeof list[0] === "number") count(list[0]);
      else count((list[0] as { length?: number } | undefined)?.length ?? 0);
      return Reflect.construct(target, list, made === globalThis.Uint8Array ? target : made);
    },
  });
}

limitBytes();
send({
  kind: "outcome",
  outcome: runLua(job, {
    at: (spot) => {
      shared[progressAt] = spot;
    },
    fileAdded: (name) => send({ kind: "file", name }),
  }),
});
