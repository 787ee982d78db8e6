// Follows the interfaces of the host. They are read every two seconds, which
// costs next to nothing and misses nothing; `ip monitor`, where it exists, only
// says that a look is worth while now.

import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { interfacePoll } from "../limits.js";
import {
  equalInterfaces,
  type FindInterface,
  type PresentInterface,
  readInterfaces,
} from "./interfaces.js";

/** Changes come in bursts: milliseconds from the first sign of one to a look. */
const settlingTime = 50;

export interface WatchEars {
  /** After every look, at least every two seconds. */
  polled(present: readonly PresentInterface[], isChanged: boolean): void;
  /** A look was impossible, as it is when no file can be opened; once until one succeeds. */
  failed(reason: string): void;
}

export class InterfaceWatch {
  readonly #find: FindInterface;
  #present: readonly PresentInterface[];
  #poll: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #monitor: ChildProcess | undefined;
  #ears: WatchEars | undefined;
  #isFailing = false;

  constructor(find: FindInterface) {
    this.#find = find;
    this.#present = readInterfaces(find);
  }

  /** As last read. */
  get present(): readonly PresentInterface[] {
    return this.#present;
  }

  /** Starts looking. */
  start(ears: WatchEars): void {
    this.#ears = ears;
    this.#poll = setInterval(() => this.look(), interfacePoll);
    this.#listen();
  }

  /** Reads the interfaces now. */
  look(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    let next: readonly PresentInterface[];
    try {
      next = readInterfaces(this.#find, this.#present);
    } catch (error) {
      // What was there is most likely there still.
      if (!this.#isFailing) this.#ears?.failed(reasonOf(error));
      this.#isFailing = true;
      return;
    }
    this.#isFailing = false;
    const isChanged = !equalInterfaces(this.#present, next);
    if (isChanged) this.#present = next;
    this.#ears?.polled(this.#present, isChanged);
  }

  stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    this.#ears = undefined;
    this.#monitor?.stdin?.destroy();
    this.#monitor = undefined;
  }

  #listen(): void {
    // Its output is not read for what it says: `ip -j monitor` is not JSON everywhere.
    const child = startMonitor();
    if (child === undefined) return;
    // Without a shell, or without `ip`, the poll alone does it.
    child.on("error", () => {});
    // Where no file can be opened for it, there is no pipe either.
    const pipe: Readable | null | undefined = child.stdout;
    pipe?.on("data", () => {
      this.#soon ??= setTimeout(() => this.look(), settlingTime);
    });
    child.unref();
    this.#monitor = child;
  }
}

/** Node has no words for this error of this call. */
function reasonOf(error: unknown): string {
  const { message, errno } = error as NodeJS.ErrnoException;
  if (Math.abs(errno ?? 0) !== constants.errno.EMFILE) return message;
  return "too many open files; raise LimitNOFILE in the unit, or lower limits.connections";
}

/** Ends with its standard input: that happens however discd ends, while nobody kills by itself. */
const monitor = "ip -o monitor link address & read -r _; kill $!";

/** @returns undefined where the system has no room for another process */
function startMonitor(): ChildProcess | undefined {
  try {
    // In a group of its own: what a terminal signals to discd would take the shell away from it.
    return spawn("sh", ["-c", monitor], { stdio: ["pipe", "pipe", "ignore"], detached: true });
  } catch {
    return undefined;
  }
}
