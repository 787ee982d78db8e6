// discli and the running daemon, over links with real avahi devices: what it knows,
// its numbers, reloading, health, rights, TLS.

import { chmodSync, chownSync } from "node:fs";
import { expect } from "vitest";
import { curl } from "./api-stage.js";
import { Child, until } from "./children.js";
import { type Daemon, reconfigure } from "./daemon.js";
import { discli, type Outcome } from "./discli-stage.js";
import { type Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { flush, rec } from "./packet.js";

const it = needs("avahi-daemon", "curl", "openssl");
const token = "0123456789abcdef0123456789abcdef";
const zone = "floor1.example.com";
const links = `
warm = true
services = { deny = { '_ssh._tcp' } }
interfaces = {
  { name = 'net1', subdomain = '${zone}', reverse = true },
  { name = 'net2', disable = true },
  { name = 'uplink', disable = true },
}
`;
const listen = "'127.0.0.1:8053', '10.8.0.53:8053', '/run/discd/http'";
const config = `http = { listen = { ${listen} }, token = env('API_TOKEN') }\n${links}`;
const printer = { name: "Lobby 二階", type: "_ipp._tcp", port: 631, txt: ["rp=ipp/print"] };
const shell = { name: "Admin shell", type: "_ssh._tcp", port: 22 };

let lab: Lab;
let discd: Daemon;

laboratory(async (built) => {
  lab = built;
  process.env.API_TOKEN = token;
  await lab.avahi("ava1", { host: "ava1", services: [printer, shell] });
  discd = await lab.discd(config, { apex: zone });
  delete process.env.API_TOKEN;
  await until("the printer", async () => (await run("show services name=Lobby")).status === 0);
});

interface How {
  readonly node?: string;
  readonly before?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** In the namespaces of the daemon, where its socket is in the usual place, or in a node. */
async function run(words: string | readonly string[], how: How = {}): Promise<Outcome> {
  const own = ["nsenter", "-t", String(discd.child.pid), "-n", "-m"];
  const enter = how.node === undefined ? own : lab.enter(how.node);
  const list = typeof words === "string" ? words.split(" ") : words;
  const child = new Child([...enter, ...(how.before ?? []), discli, ...list], {
    env: how.env ?? {},
  });
  await child.ended;
  return { status: child.exit?.code, out: child.stdoutLines, err: child.stderrLines };
}

/** What has to succeed. */
async function lines(words: string | readonly string[], how: How = {}): Promise<readonly string[]> {
  const { status, out, err } = await run(words, how);
  expect([words, status, err]).toEqual([words, 0, []]);
  return out;
}

it("A2.1 C1.6 what it knows: services with their flag, interfaces, zones, hosts, and the rest", async () => {
  expect((await lines("show services name=Lobby")).join("\n")).toMatch(
    /^Lobby 二階\t_ipp\._tcp\tfloor1\.example\.com\tnet1\t\d+\tava1\.floor1\S+\t631\t10\.1\.0\.2/,
  );
  // A host that only its own link reaches.
  const device = await lab.device("dev1", "net1");
  const [type, instance] = ["_n55._tcp.local", "Lone._n55._tcp.local"];
  const records = [
    flush(rec(instance, "SRV", 120, [0, 0, 1, "h55.local"])),
    flush(rec("h55.local", "A", 120, "169.254.5.5")),
    flush(rec("h55.local", "NSEC", 120, ["h55.local", "A"])),
  ];
  device.answers(type, "PTR", [rec(type, "PTR", 4500, instance), ...records]);
  device.answers(instance, "SRV", records);
  await lab.dig(`_n55._tcp.${zone}`, "PTR", "+time=2", "+tries=1");
  const withheld = await until("what is withheld", async () => {
    const { out } = await run("show services type=_n55._tcp shown=no");
    return out[0];
  });
  expect(withheld).toMatch(/^Lone\t_n55\._tcp\t.*\twithheld: ./);
  expect(await lines("show interfaces if=net1")).toHaveLength(1);
  expect(await lines(["show", "zones", `zone=${zone}`])).toHaveLength(1);
  expect((await lines("show hosts address=10.1.0.2"))[0]).toMatch(/^ava1\.floor1/);
  expect((await lines("show domains kind=lb"))[0]).toMatch(/^floor1\.example\.com\tlb\tnet1/);
  expect((await lines("show questions type=PTR")).length).toBeGreaterThan(0);
  expect((await lines("show summary")).join("\n")).toMatch(/^discd\t\S+ on px\.example\.com$/m);
  expect(JSON.parse((await lines("show config")).join("\n"))).toMatchObject({
    http: { token: "***" },
  });
  expect(await run("show updates")).toMatchObject({ status: 1 });
});

it("A2.1a show subscriptions: whose each is, how it came about, and on which interface", async () => {
  const enter = ["nsenter", "-t", String(discd.child.pid), "-n", "-m"];
  const words = ["--server", "10.8.0.53", "browse", "_ipp._tcp", zone, "--watch"];
  const child = lab.keep(new Child([...enter, discli, ...words]));
  await child.says(/^\+ Lobby/);
  const rows = await lines("show subscriptions if=net1 type=PTR");
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatch(
    /^\S+\t(push|llq)\t\w+\tnet1\tPTR\t_ipp\._tcp\.floor1\.example\.com\t\d+\t/,
  );
  expect(await run("show subscriptions if=net9")).toMatchObject({ status: 1 });
  child.kill("SIGINT");
  await child.ended;
});

it("A8.14 stats: the numbers of the metrics page", async () => {
  for (let count = 0; count < 5; count++) await lab.dig(`_ipp._tcp.${zone}`, "PTR");
  const page = curl(lab, "px", "http://127.0.0.1:8053/metrics").text;
  const stats = JSON.parse((await lines("--json stats")).join("\n"));
  const sum = (name: string) =>
    [...page.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    );
  expect(stats.queries).toBe(sum("discd_queries_total"));
  expect(stats.cacheHits).toBe(sum("discd_cache_hits_total"));
  expect(stats.cacheMisses).toBe(sum("discd_cache_misses_total"));
  expect(stats.cacheHits).toBeGreaterThanOrEqual(3);
  expect(stats.memory.all).toBeGreaterThan(10_000_000);
  const text = await lines("stats");
  expect(text).toContain(`cache hits\t${stats.cacheHits}`);
  expect(text).toContain(`hit rate\t${stats.hitPercent} %`);
  expect(Object.keys(stats.memory)).toEqual(["all", "heap", "buffers", "native", "answer-cache"]);
  expect(stats.memory["answer-cache"]).toBeGreaterThan(0);
  // Nobody answers, so that it waits.
  const asked = lab.dig(`_nobody-has-it._tcp.${zone}`, "PTR", "+time=8", "+tries=1");
  await until("an outstanding request", async () => {
    return JSON.parse((await lines("--json stats")).join("\n")).outstanding === 1;
  });
  await asked;
  expect(JSON.parse((await lines("--json stats")).join("\n")).outstanding).toBe(0);
});

it("C1.9 stats --multicast: packets sent, and questions of clients that needed none", async () => {
  const before = JSON.parse((await lines("--json stats --multicast")).join("\n"));
  for (let count = 0; count < 20; count++) await lab.dig(`_ipp._tcp.${zone}`, "PTR");
  const after = JSON.parse((await lines("--json stats --multicast")).join("\n"));
  const of = (page: { interfaces: readonly { link: string; asked: number; out: number }[] }) =>
    page.interfaces.find(({ link }) => link === "net1")!;
  expect(of(after).asked - of(before).asked).toBe(20);
  expect(of(after).out - of(before).out).toBeLessThanOrEqual(4);
});

it("A2.5 show packets: those that fit the filter, and none when nothing does", async () => {
  const follow = (filter: string) => {
    const enter = ["nsenter", "-t", String(discd.child.pid), "-n", "-m"];
    const words = ["show", "packets", ...filter.split(" ")];
    return lab.keep(new Child([...enter, discli, ...words]));
  };
  const some = follow("if=net1 type=PTR name=_uscan");
  const none = follow("if=net1 type=PTR name=_nothing-of-it");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await lab.dig(`_uscan._tcp.${zone}`, "PTR", "+time=1", "+tries=1");
  await some.says(/^ {2}question {4}_uscan\._tcp\.local {2}PTR/);
  expect(some.stdoutLines[0]).toMatch(/^\d{4}-\d\d-\d\dT\S+Z net1 out query/);
  for (const child of [some, none]) {
    child.kill("SIGINT");
    await child.ended;
    expect(child.exit?.code).toBe(0);
  }
  expect(none.stdoutLines).toEqual([]);
});

it("refresh asks the links anew; policy test names the rule; health is 0 or 2", async () => {
  expect((await lines("refresh")).length).toBeGreaterThan(0);
  const words = (type: string) => `policy test ${type}.${zone} --client 10.9.0.2`;
  const denied = await run(words("_ssh._tcp"));
  expect(denied.status).toBe(1);
  expect(denied.out.join("\n")).toMatch(/^rule\t.*deny.*_ssh\._tcp/m);
  expect((await lines(words("_ipp._tcp"))).join("\n")).toMatch(/^interface\tnet1$/m);
  await until("health", async () => (await run("health")).status === 0, 30_000);
  expect(await lines(["health", zone])).toEqual([`ok: ${zone}`]);
  expect((await run("health other.example")).status).toBe(2);
});

it("reload: what was taken up, and problems as FILE:LINE: text with status 2", async () => {
  const { file } = discd;
  // It listens beyond loopback without TLS, which is worth a word.
  const taken = await run("reload");
  expect([taken.status, taken.err]).toEqual([1, []]);
  expect(taken.out[0]).toContain(file);
  expect(taken.out[1]).toMatch(/^\/\S+discd\.lua:\d+: warning: .*10\.8\.0\.53/);
  reconfigure(file, `${config}frobnicate = true\n`);
  chmodSync(file, 0o600);
  const bad = await run("reload");
  expect(bad.status).toBe(2);
  expect(bad.out.join("\n")).toMatch(/^\/\S+discd\.lua:\d+: .*frobnicate/m);
  expect(bad.err).toEqual([
    "discli: nothing was changed: the configuration before is still in force",
  ]);
  expect((await lines("show summary")).join("\n")).toMatch(/^configuration\trefused/m);
  reconfigure(file, config);
  expect((await run("reload")).out).toEqual(taken.out);
});

it("who may not is told what to do: another user, no token, a wrong one", async () => {
  const other = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const denied = await run("health", { before: other });
  expect(denied.status).toBe(2);
  const alone = /\/run\/discd\/http: it is open to root alone; run discli with sudo, or/;
  expect(denied.err.join("\n")).toMatch(alone);
  chownSync(discd.socket, 0, 1);
  const outside = await run("health", { before: other });
  chownSync(discd.socket, 0, 0);
  expect(outside.err.join("\n")).toMatch(
    /\/run\/discd\/http: it is open to the group \w+, and you are not in it: `sudo usermod -aG/,
  );
  const far = ["--api", "http://10.8.0.53:8053", "show", "zones"];
  const without = await run(far, { node: "cli" });
  expect(without.err.join("\n")).toMatch(/wants the token of discd\.lua.*DISCD_TOKEN=/);
  const wrong = await run(far, { node: "cli", env: { DISCD_TOKEN: "no" } });
  expect(wrong.err.join("\n")).toMatch(/does not take the token in DISCD_TOKEN/);
  const right = await lines(far, { node: "cli", env: { DISCD_TOKEN: token } });
  expect(right.length).toBeGreaterThan(0);
  // Reading is free on loopback; writing is not.
  const near = await lines("--api 127.0.0.1:8053 show zones", { node: "px" });
  expect(near.map((line) => line.split("\t")[0])).toEqual(right.map((line) => line.split("\t")[0]));
  const write = await run("--api 127.0.0.1:8053 reload", { node: "px" });
  expect(write.err.join("\n")).toMatch(/wants the token/);
});

it("over TLS: nothing is sent to who cannot prove himself", async () => {
  const tls = `http = { listen = '10.8.0.53:8443', token = '${token}', tls = true }`;
  reconfigure(discd.file, `certificate = 'self-signed'\n${tls}\n${links}`);
  chmodSync(discd.file, 0o600);
  await lines("reload");
  const env = { DISCD_TOKEN: token };
  const words = ["--api", "https://10.8.0.53:8443", "show", "zones"];
  const untrusted = await run(words, { node: "cli", env });
  expect(untrusted.status).toBe(2);
  const [pin] = /sha256\/\S+/.exec(untrusted.err.join("\n")) ?? [];
  expect(untrusted.err.join("\n")).toMatch(/self-signed.*--pin sha256\//);
  expect((await lines([...words, "--pin", pin as string], { node: "cli", env })).length).toBe(3);
  const other = `sha256/${Buffer.alloc(32).toString("base64")}`;
  const refused = await run([...words, "--pin", other], { node: "cli", env });
  expect(refused.err.join("\n")).toMatch(/its key is sha256\/\S+, and none of those/);
  // Plain HTTP at the port of TLS.
  const plain = await run(["--api", "http://10.8.0.53:8443", "health"], { node: "cli", env });
  expect(plain.status).toBe(2);
  expect(plain.err).toHaveLength(1);
});

it("switched off, or not running: said, with what helps", async () => {
  reconfigure(discd.file, `http = false\n${links}`);
  // The last answer of the API may already be lost.
  discd.child.kill("SIGHUP");
  await until("the end of the API", async () => (await run("health")).status === 2);
  const { err } = await run("show zones");
  expect(err).toHaveLength(1);
  expect(err[0]).toMatch(/discd does not seem to run.*systemctl start discd.*--api.*http = false/);
});
