// What systemd is told of the state of the program (sd_notify(3)). Silent
// where nobody asked, which NOTIFY_SOCKET says.

import { execFile } from "node:child_process";
import type { Native } from "./native.js";

export type DaemonState = "ready" | "reloading" | "stopping";

/** CLOCK_MONOTONIC in microseconds, which systemd wants with RELOADING. */
const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n;

function messageOf(state: DaemonState): string {
  switch (state) {
    case "ready":
      return "READY=1";
    case "reloading":
      return `RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`;
    case "stopping":
      return "STOPPING=1";
  }
}

/** Tells systemd; a failure is of no consequence to what we serve. */
export function notifySystemd(native: Native | undefined, state: DaemonState): void {
  const path = process.env.NOTIFY_SOCKET;
  if (path === undefined || path === "") return;
  const message = messageOf(state);
  try {
    if (native !== undefined) native.sendUnix(path, message);
    else execFile("systemd-notify", ["--pid=parent", ...message.split("\n")], () => {});
  } catch {
    // The socket is gone, with whoever listened; or no process can be started.
  }
}
