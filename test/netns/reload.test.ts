// What makes a running discd take up another configuration: a signal, and nothing
// else. Each runs in an empty network namespace with nothing but loopback.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { Child, until } from "./children.js";
import { configure, discd, reconfigure } from "./daemon.js";
import { needs } from "./needs.js";

const it = needs();

let running: Child[] = [];

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
});

/** `setUp` runs in the namespace before the program does. */
function run(argv: readonly string[], setUp = "true"): Child {
  const shell = `ip link set lo up; ${setUp}; exec "$@"`;
  const child = new Child(["unshare", "-nm", "sh", "-c", shell, "sh", ...argv]);
  running.push(child);
  return child;
}

/** Interfaces that change are news for debugging only. */
const first = "zones = { 'first.example' }\nlog = { level = 'debug' }";

const inside = (child: Child, command: string): Promise<void> =>
  new Child(["nsenter", "-t", String(child.pid), "-n", "sh", "-c", command]).ended;

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

function log(child: Child, event: string): Line[] {
  const lines = child.stderrLines.filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Line).filter((line) => line.event === event);
}

const served = (child: Child): unknown => log(child, "serving").at(-1)?.zones;

async function reloads(child: Child, count: number, event = "reloaded"): Promise<Line> {
  return until(`${event} ${count}`, () => log(child, event)[count - 1]);
}

it("an edit waits for its signal, whatever happens to the interfaces", async () => {
  const file = configure(first);
  const child = run([discd, "-c", file]);
  await child.says(/"event":"started"/);
  reconfigure(file, "zones = { 'second.example' }");
  await inside(child, "ip addr add 192.0.2.1/24 dev lo");
  expect(await reloads(child, 1)).toMatchObject({ reason: "interfaces" });
  expect(served(child)).toEqual(["first.example"]);
  reconfigure(file, "zones = { 'half a f");
  await inside(child, "ip addr add 192.0.2.2/24 dev lo");
  await reloads(child, 2);
  expect(log(child, "reload-refused")).toEqual([]);
  child.kill("SIGHUP");
  expect(await reloads(child, 1, "reload-refused")).toMatchObject({
    reason: "signal",
    problems: 1,
  });
  await inside(child, "ip addr add 192.0.2.3/24 dev lo");
  await reloads(child, 3);
  expect(served(child)).toEqual(["first.example"]);
  reconfigure(file, "zones = { 'second.example' }");
  child.kill("SIGHUP");
  expect(await reloads(child, 4)).toMatchObject({ reason: "signal" });
  expect(served(child)).toEqual(["second.example"]);
});

it("a storm of changes is read a few times, not once each", async () => {
  const slow = `for i = 1, 3e6 do local x = i % 7 end\n${first}`;
  const child = run([discd, "-c", configure(slow)]);
  await child.says(/"event":"started"/);
  const storm = "for i in $(seq 1 60); do ip addr add 192.0.2.$i/32 dev lo; sleep 0.02; done";
  await inside(child, storm);
  await until("all of them", () =>
    log(child, "listening").some(({ listener }) => listener === "192.0.2.60:53/tcp"),
  );
  const count = log(child, "reloaded").length;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(15);
  // The same with signals: once they have ended, so have the loads.
  for (let at = 0; at < 300; at++) {
    child.kill("SIGHUP");
    await sleep(2);
  }
  await sleep(2500);
  const loads = log(child, "reloaded").length;
  expect(loads).toBeGreaterThan(count);
  await sleep(1000);
  expect(log(child, "reloaded").length).toBe(loads);
});

it("a default file that is a link to nothing is an error that names it", async () => {
  const etc = mkdtempSync(join(tmpdir(), "discd-etc-"));
  symlinkSync("/etc/nowhere.lua", join(etc, "discd.lua"));
  const child = run([discd], `mount --bind ${etc} /etc`);
  await child.ended;
  expect(child.exit?.code).not.toBe(0);
  const said = child.stderrLines.join("\n");
  expect(said).toContain("/etc/discd.lua");
  expect(said).toContain("a symbolic link to /etc/nowhere.lua, which is not there");
});

it("a default file that is written later is taken up by the signal", async () => {
  const etc = mkdtempSync(join(tmpdir(), "discd-etc-"));
  const child = run([discd], `mount --bind ${etc} /etc`);
  await child.says(/"event":"started"/);
  expect(log(child, "started")).toMatchObject([{ file: "none" }]);
  writeFileSync(join(etc, "discd.lua"), "hostname = 'px.example'\nzones = { 'late.example' }\n");
  child.kill("SIGHUP");
  expect(await reloads(child, 1)).toMatchObject({ file: "/etc/discd.lua" });
  expect(served(child)).toEqual(["late.example"]);
  // Once there was one, its absence is an error and not the wish to serve everything.
  rmSync(join(etc, "discd.lua"));
  child.kill("SIGHUP");
  await reloads(child, 1, "reload-refused");
  expect(served(child)).toEqual(["late.example"]);
});
