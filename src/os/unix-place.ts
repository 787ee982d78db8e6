// The path of a Unix socket made ready for it: what a dead program left there is
// removed, a living one is left alone, and anything that is no socket as well.

import { existsSync, lstatSync, mkdirSync, type Stats, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { connect } from "node:net";
import { dirname } from "node:path";
import { unixPathMax } from "../api/place.js";
import { unixMode } from "./http-limits.js";
import { codeOf } from "./multicast.js";

/** How long a program that listens may take to accept, in milliseconds; then it lives. */
const livePatience = 1000;

/**
 * Makes a path free.
 *
 * @returns what is in the way and what helps; undefined when nothing is
 */
export async function clearUnixPath(path: string): Promise<string | undefined> {
  if (Buffer.byteLength(path) > unixPathMax) {
    return `the path is longer than ${unixPathMax} bytes; choose a shorter one`;
  }
  const folder = dirname(path);
  try {
    // systemd makes it (RuntimeDirectory=); by hand nobody does.
    if (!existsSync(folder)) under(0o022, () => mkdirSync(folder));
  } catch (error) {
    return `the folder ${folder} is missing and cannot be made: ${codeOf(error)}; make it`;
  }
  let found: Stats;
  try {
    found = lstatSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    return `it cannot be looked at: ${code}; give discd the right to it, or choose another path`;
  }
  if (found.isDirectory()) return "that is a folder; name the socket in it";
  if (!found.isSocket()) {
    return "something that is no socket is there; remove it, or choose another path";
  }
  if (await isLive(path)) {
    return "another program listens there; stop it, or choose another path";
  }
  try {
    unlinkSync(path);
  } catch (error) {
    const code = codeOf(error);
    const fault = "what a dead program left there cannot be removed";
    if (code !== "ENOENT") return `${fault}: ${code}; remove it, or choose another path`;
  }
  return undefined;
}

/** Listens there; nobody but owner and group can connect, not even for a moment. */
export function listenAtUnixPath(server: Server, path: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // The socket is bound in this very call; what comes later is the callback alone.
    under(0o777 & ~unixMode, () =>
      server.listen({ path }, () => {
        server.removeListener("error", reject);
        resolve();
      }),
    );
  });
}

/** Does something under a umask of its own. */
function under(umask: number, action: () => unknown): void {
  const before = process.umask(umask);
  try {
    action();
  } finally {
    process.umask(before);
  }
}

function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (lives: boolean) => {
      clearTimeout(patience);
      socket.destroy();
      resolve(lives);
    };
    const patience = setTimeout(() => settle(true), livePatience);
    socket.once("connect", () => settle(true));
    // EAGAIN: its queue is full; somebody has it open, then.
    socket.once("error", (error) => settle(!["ECONNREFUSED", "ENOENT"].includes(codeOf(error))));
  });
}
