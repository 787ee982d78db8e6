// Mode 'update' from the file to the running program: what keeps discd from starting,
// what it says of itself, and that no secret is part of it. Each runs in an empty
// network namespace with nothing but loopback and one end of a cable.

import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

const cable =
  "ip link set lo up; ip link add eth9 type veth peer name other; ip link set other up; " +
  "ip link set eth9 up; ip addr add 10.1.0.7/24 dev eth9";

function run(...argv: readonly string[]): Child {
  const child = new Child(["unshare", "-n", "sh", "-c", `${cable}; exec "$@"`, "sh", ...argv]);
  running.push(child);
  return child;
}

const inside = async (child: Child, ...argv: readonly string[]): Promise<readonly string[]> => {
  const shell = new Child(["nsenter", "-t", String(child.pid), "-n", ...argv]);
  await shell.ended;
  return shell.stdoutLines;
};

const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const other = secret.replace("AAEC", "BBBB");

/** One link, and a server that is not there. */
const link = (update: string) =>
  `interfaces = { { name = 'eth9', mode = 'update', subdomain = 'floor1.example.com' } }
update = { server = '10.1.0.1', ${update} }
state = '${join(dirname(configure("")), "state")}'`;

const keyFile = (text: string) => `key "discd" { algorithm hmac-sha256; secret "${text}"; };\n`;

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

function log(child: Child, event: string): Line[] {
  const lines = child.stderrLines.filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Line).filter((line) => line.event === event);
}

/** Runs it to its end, which has to come by itself. */
async function refused(file: string): Promise<readonly string[]> {
  const child = run(discd, "-c", file);
  await until("it ends", () => child.exit !== undefined);
  await child.ended;
  expect(child.exit).toEqual({ code: 1, signal: null });
  return child.stderrLines.filter(Boolean).map((line) => line.replaceAll(`${dirname(file)}/`, ""));
}

it("[UP-19] without a key it does not start", async () => {
  const [line, ...more] = await refused(configure(link("")));
  expect(line).toMatch(/^discd\.lua:5: interfaces\[1\]\.mode: no key signs the updates of this/);
  expect(line).toContain("write update.key = { file = 'FILE' }, or update.allow_unauthent");
  expect(more).toEqual([]);
});

it("[TSIG-7] a key that others may read keeps it from starting, wherever it stands", async () => {
  const own = configure(link(`key = { name = 'discd', secret = '${secret}' }`));
  chmodSync(own, 0o644);
  expect(await refused(own)).toEqual([
    "discd.lua:6: update.key.secret: this file holds it and may be read by every user of this " +
      "host; take that right away with: chmod o-r discd.lua",
  ]);
  const file = configure(link("key = { file = 'discd.key' }"));
  writeFileSync(join(dirname(file), "discd.key"), keyFile(secret), { mode: 0o644 });
  expect(await refused(file)).toEqual([
    "discd.lua:6: update.key.file: discd.key holds a secret and may be read by every user of " +
      "this host; take that right away with: chmod o-r discd.key",
  ]);
});

it("it listens to its links and to HTTP alone, says what it publishes, and takes another key by a reload", async () => {
  const file = configure(link("key = { file = 'discd.key' }"));
  const keyPath = join(dirname(file), "discd.key");
  writeFileSync(keyPath, keyFile(secret), { mode: 0o600 });
  const child = run(discd, "-c", file);
  await child.says(/"event":"started"/);
  expect(log(child, "serving").at(-1)).toMatchObject({
    links: [],
    published: [{ link: "eth9", subdomain: "floor1.example.com", source: "config" }],
  });
  expect(log(child, "not-listening")).toMatchObject([{ level: "info" }]);
  expect(log(child, "config-problem")).toEqual([]);
  const sockets = await inside(child, "ss", "-Hlntu");
  // The fifth column is the local place. HTTP is there by default, on loopback.
  const places = sockets.flatMap((line) => line.trim().split(/\s+/)[4] ?? []);
  expect(places.filter((place) => !place.endsWith(":5353"))).toEqual(["127.0.0.1:8053"]);

  writeFileSync(keyPath, 'key "discd" {');
  child.kill("SIGHUP");
  await until("it refuses", () => log(child, "reload-refused")[0]);
  const [problem] = log(child, "config-problem").map((line) => line.problem);
  expect(problem).toContain("update.key.file");
  writeFileSync(keyPath, keyFile(other));
  child.kill("SIGHUP");
  await until("it takes it", () => log(child, "reloaded")[0]);
  reconfigure(file, link(`key = { name = 'discd', secret = '${secret}' }`));
  child.kill("SIGHUP");
  await until("it takes another", () => log(child, "reloaded")[1]);
  child.kill("SIGUSR2");
  await until("it tells its state", () => log(child, "state")[0]);
  const said = [...child.stderrLines, ...child.stdoutLines].join("\n");
  for (const one of [secret, other]) {
    expect(said).not.toContain(one.slice(4, 24));
    expect(said).not.toContain(Buffer.from(one, "base64").toString("hex").slice(8, 40));
    expect(said).not.toContain([...Buffer.from(one, "base64")].slice(4, 16).join(","));
  }
});
