// `discli browse --watch` as a user runs it: two hops from the link, through a
// resolver that follows a delegation, against discd and a real avahi-daemon, over
// each way there is; and against a zone of BIND, which has no way but polling.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect } from "vitest";
import { Authority } from "./authority.js";
import { Child, until } from "./children.js";
import { type Daemon, top } from "./daemon.js";
import { type Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "openssl", "unbound");
const discli = join(top, "bin", "discli");
const zone = "lab.example.com";
const links = `
interfaces = {
  { name = 'net1', subdomain = '${zone}' },
  { name = 'net2', disable = true },
  { name = 'uplink', disable = true },
}
`;

let lab: Lab;
let authority: Authority;
let discd: Daemon;
let certificate = "";
let folder: string;
let running: Child[] = [];

laboratory(async (built) => {
  lab = built;
  authority = new Authority();
  folder = mkdtempSync(join(tmpdir(), "discd-watch-"));
  const { leaf, key } = authority.issue("px.example.com", zone);
  writeFileSync(join(folder, "crt.pem"), leaf + authority.middle);
  writeFileSync(join(folder, "key.pem"), key, { mode: 0o600 });
  certificate = `certificate = { crt = '${folder}/crt.pem', key = '${folder}/key.pem' }\n`;
  const fixed = "_ipp._tcp.fixed.example.com.";
  await lab.bind(
    "dns",
    ["10.9.0.53"],
    [
      {
        origin: "example.com.",
        lines: ["px.example.com. A 10.8.0.53", "lab.example.com. NS px.example.com."],
      },
      { origin: "fixed.example.com.", lines: [`${fixed} PTR Press.${fixed}`] },
    ],
  );
  await lab.unbound("cli", 5301, ["10.9.0.53"]);
  discd = await lab.discd(`${certificate}${links}`, { apex: zone });
});

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
});

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  if (authority !== undefined) rmSync(authority.folder, { recursive: true, force: true });
});

function watch(...words: readonly string[]): Child {
  const resolver = ["--server", "127.0.0.1:5301"];
  const child = new Child([
    ...lab.enter("cli"),
    discli,
    ...resolver,
    "browse",
    "--watch",
    ...words,
  ]);
  running.push(child);
  return child;
}

/** Gives discd another configuration, and waits until it is in use. */
async function reload(text: string): Promise<void> {
  const before = discd.log.filter((line) => line.includes('"event":"reloaded"')).length;
  discd.reload(text);
  await until(
    "the reload",
    () => discd.log.filter((line) => line.includes('"event":"reloaded"')).length > before,
  );
}

/** A printer comes and goes; what is printed of it. */
async function lines(child: Child, type: string, limit: number): Promise<readonly string[]> {
  const service = { name: "Dr. Who", type, port: 631 };
  const avahi = await lab.avahi("ava1", { host: "ava1", services: [service] });
  const name = `Dr\\. Who.${type}.${zone}`;
  await until(`+ ${name}`, () => child.stdoutLines.includes(`+ ${name}`), limit);
  await avahi.stop();
  await until(`- ${name}`, () => child.stdoutLines.includes(`- ${name}`), limit);
  return child.stdoutLines;
}

/** Ctrl-C. */
async function leave(child: Child): Promise<void> {
  child.kill("SIGINT");
  await child.ended;
  expect(child.exit).toEqual({ code: 0, signal: null });
}

it("[TLS-08] [PUSH-04] by Push, where the authority is trusted", async () => {
  const child = watch("_ipp._tcp", zone, "--ca", authority.root);
  const way = await child.says(/changes come by/);
  expect(way).toBe(
    `discli: _ipp._tcp.${zone}: changes come by DNS Push from px.example.com (10.8.0.53) port 853`,
  );
  expect(await lines(child, "_ipp._tcp", 5000)).toHaveLength(2);
  await leave(child);
  expect(child.stderrLines).toEqual([way]);
});

it("[TLS-08] by an LLQ over TCP, where it is not, and says why and what helps", async () => {
  const child = watch("_ipp._tcp", zone);
  await child.says(/long-lived query from px\.example\.com \(10\.8\.0\.53\) port \d+, tcp$/);
  const refusals = child.stderrLines.slice(0, -1);
  // An LLQ over TLS fails for the same reason, which is told once.
  expect(refusals.map((line) => /^discli: no (Push|LLQ) at/.exec(line)?.[1])).toEqual(["Push"]);
  for (const line of refusals) {
    expect(line).toMatch(/authority that is not trusted here \(--ca FILE\); .* --pin sha256\/\S+$/);
  }
  expect(await lines(child, "_ipp._tcp", 5000)).toHaveLength(2);
  await leave(child);
  const pin = /sha256\/\S+/.exec(refusals[0] as string)?.[0] as string;
  const pinned = watch("_ipp._tcp", zone, "--pin", pin);
  await pinned.says(/changes come by DNS Push/);
  await leave(pinned);
});

it("by an LLQ over TCP, where there is no TLS; one JSON object a line", async () => {
  await reload(`certificate = false\nport = { push = false, tls = false }\n${links}`);
  const child = watch("_printer._tcp", zone, "--json");
  await child.says(/"way":"llq".* port 5352, tcp"/);
  const avahi = await lab.avahi("ava1", {
    host: "ava1",
    services: [{ name: "Rose", type: "_printer._tcp", port: 515 }],
  });
  await child.says(/"change":"\+"/);
  await avahi.stop();
  await child.says(/"change":"-"/);
  expect(child.stdoutLines.map((line) => JSON.parse(line))).toEqual(
    ["+", "-"].map((change) => ({
      change,
      name: `Rose._printer._tcp.${zone}`,
      instance: "Rose",
      type: "_printer._tcp",
      domain: zone,
    })),
  );
  await leave(child);
});

it("[LLQ-13] [LLQ-15] [LLQ-20] by an LLQ over UDP, where no connection is to be had", async () => {
  const few = "limits = { connections = 1, tcp_idle = '60s' }";
  await reload(`certificate = false\nport = { push = false, tls = false }\n${few}\n${links}`);
  // It takes the only one there is.
  const hold = "exec 3<>/dev/tcp/10.8.0.53/53; echo held; sleep 60";
  const holder = new Child([...lab.enter("cli"), "bash", "-c", hold]);
  running.push(holder);
  await holder.says(/held/);
  const child = watch("_uscan._tcp", zone);
  await child.says(/long-lived query from px\.example\.com \(10\.8\.0\.53\) port 5352, udp$/);
  expect(await lines(child, "_uscan._tcp", 5000)).toHaveLength(2);
  await leave(child);
});

it("[PUSH-37] by polling, where both are switched off", async () => {
  await reload(`certificate = false\nport = { push = false, tls = false, llq = false }\n${links}`);
  const child = watch("_scanner._tcp", zone);
  await child.says(/nobody tells of changes/);
  expect(await lines(child, "_scanner._tcp", 40_000)).toHaveLength(2);
  await leave(child);
});

it("[PUSH-37] by polling, in a zone of BIND", async () => {
  const child = watch("_ipp._tcp", "fixed.example.com");
  await child.says(/nobody tells of changes/);
  await child.says(/^\+ Press\._ipp\._tcp\.fixed\.example\.com$/);
  await leave(child);
  expect(child.stdoutLines).toHaveLength(1);
});
