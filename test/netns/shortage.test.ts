// discd where the system has too little: more connections than it may open files.
// In an empty network namespace with nothing but loopback.

import { chmodSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, expect } from "vitest";
import { Child, until } from "./children.js";
import { configure, discd } from "./daemon.js";
import { needs } from "./needs.js";

const it = needs();
let running: Child[] = [];

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
});

/** Opens connections for as long as it runs. */
const flood = `
  const sockets = [];
  for (let at = 0; at < 200; at++) {
    const socket = require("node:net").connect({ port: 53, host: "127.0.0.1" });
    sockets.push(socket.on("error", () => {}));
  }
  setTimeout(() => {}, 60_000);`;

it("more connections than open files are no bug: it goes on, and says what is short", async () => {
  const file = configure("zones = { 'mesh' }\n");
  chmodSync(dirname(file), 0o755);
  const few = ["prlimit", "--nofile=64"];
  const script = 'ip link set lo up; exec "$@"';
  const child = new Child(["unshare", "-n", "sh", "-c", script, "sh", ...few, discd, "-c", file]);
  running.push(child);
  await child.says(/"event":"started"/);
  const inside = ["nsenter", "-t", String(child.pid), "-n"];
  const crowd = new Child([...inside, process.execPath, "-e", flood]);
  running.push(crowd);
  await child.says(/too many open files; raise LimitNOFILE.*interfaces-unread/);
  // Both need a file: the state is told as far as it can be, the configuration stays.
  child.kill("SIGUSR2");
  await child.says(/"event":"state"/);
  child.kill("SIGHUP");
  await child.says(/reload-refused/);
  await crowd.stop();
  const answers = async (how: string) => {
    const dig = ["dig", "@127.0.0.1", how, "+tries=1", "+time=1", "+short", "mesh", "SOA"];
    const asked = new Child([...inside, ...dig]);
    await asked.ended;
    return asked.stdoutLines.some((line) => line.includes("hostmaster"));
  };
  await until("UDP is answered", () => answers("+notcp"));
  await until("TCP is answered again", () => answers("+tcp"));
  await child.stop();
  expect(child.exit).toEqual({ code: 0, signal: null });
});
