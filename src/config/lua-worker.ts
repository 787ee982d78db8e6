// The thread in which discd.lua runs: nothing it does can hold up the daemon.
// Built as a file of its own, dist/lua-worker.js.

// First, since fengari keeps what it finds when it is loaded.
import "./byte-limit.js";
import { parentPort, workerData } from "node:worker_threads";
import { runLua } from "./lua-run.js";
import { type FromWorker, progressAt, type ToWorker } from "./lua-words.js";

const { job, progress } = workerData as ToWorker;
const shared = new Float64Array(progress);
const send = (message: FromWorker): void => parentPort?.postMessage(message);

send({ kind: "begins" });
const outcome = runLua(job, {
  at: (spot) => {
    shared[progressAt] = spot;
  },
  fileAdded: (name) => send({ kind: "file", name }),
});
send({ kind: "outcome", outcome });
