// The daemon's side of a run of discd.lua: starts the thread, ends it when it
// takes too much time or memory, and says then on which line it was.

import { Worker } from "node:worker_threads";
import type { Duration } from "../time.js";
import type { Failure, LuaJob, Outcome } from "./lua-value.js";
import {
  endsOfMemory,
  type FromWorker,
  progressAt,
  sharedSize,
  stateAt,
  type ToWorker,
} from "./lua-words.js";
import { firstSpot, type Spot } from "./spots.js";

export interface LuaBounds {
  readonly time: Duration;
  /** Bytes, for the heap and for the strings each. */
  readonly memory: number;
}

/**
 * Where the thread's program is: beside the program in dist/, also when this
 * file runs from source.
 */
export const workerProgram: URL = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/lua-worker.js" : "lua-worker.js",
  import.meta.url,
);

/** Room for a thread to start on a busy machine, before its own time counts. */
const startTimeMax = 10_000;
const megabyte = 1024 * 1024;

/** Settings of fengari: short stacks, and file names that are not cut off in messages. */
const fengariSettings = JSON.stringify({ LUAI_MAXSTACK: 20_000, LUA_IDSIZE: 4096 });

/** Runs a file in a thread of its own. Never rejects: whatever happens is an outcome. */
export function runInThread(job: LuaJob, bounds: LuaBounds, program: URL): Promise<Outcome> {
  const progress = new SharedArrayBuffer(sharedSize);
  const shared = new Float64Array(progress);
  shared[progressAt] = firstSpot;
  const files = [job.file];
  return new Promise((resolve) => {
    const worker = startWorker(program, { job, progress, memoryMax: bounds.memory });
    if (typeof worker === "string") {
      const text = `the thread for Lua cannot be started: ${worker}`;
      resolve({ kind: "failed", failure: { text, spot: firstSpot }, files });
      return;
    }
    let timer = setTimeout(() => stop("the thread for Lua did not start"), startTimeMax);
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const fail = (text: string): void => {
      const failure: Failure = { text, spot: shared[progressAt] as Spot };
      finish({ kind: "failed", failure, files });
    };
    const stop = (text: string): void => {
      // The promise is kept at once: ending the thread may take a moment more.
      fail(text);
      worker.terminate();
    };
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "outcome") return finish(message.outcome);
      if (message.kind === "file") return void files.push(message.name);
      clearTimeout(timer);
      timer = setTimeout(() => stop(timeText(bounds.time)), bounds.time);
    });
    worker.on("error", (error: Error & { code?: string }) => {
      const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      fail(isMemory ? memoryText(bounds.memory) : `the interpreter failed: ${error.message}`);
    });
    worker.on("exit", () => {
      const isMemory = shared[stateAt] === endsOfMemory;
      fail(isMemory ? memoryText(bounds.memory) : "the thread for Lua ended");
    });
  });
}

/** @returns the system's reason where it has no room for another thread */
function startWorker(program: URL, workerData: ToWorker): Worker | string {
  try {
    return new Worker(program, {
      workerData,
      env: { FENGARICONF: fengariSettings },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil(workerData.memoryMax / megabyte),
        maxYoungGenerationSizeMb: 16,
        stackSizeMb: 4,
      },
    });
  } catch (error) {
    return (error as Error).message;
  }
}

function timeText(time: Duration): string {
  return (
    `still running after ${time / 1000} s (limits.lua_time); ` +
    "is there a loop that does not end?"
  );
}

function memoryText(bytes: number): string {
  return (
    `needs more than ${Math.round(bytes / megabyte)} MB of memory (limits.lua_memory); ` +
    "is there a loop that does not end?"
  );
}
