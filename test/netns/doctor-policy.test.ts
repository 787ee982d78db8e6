// What the doctor says of DNS over HTTPS, and of leaks, changes with the policy: in
// a laboratory that has an endpoint of its own, and nothing else is asked.

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Authority } from "./authority.js";
import { Child } from "./children.js";
import { top } from "./daemon.js";
import { type Diagnosis, doctorStage, server, zone } from "./doctor-stage.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "nft", "openssl", "tcpdump", "unbound");
const built = doctorStage();
const scratch = mkdtempSync(join(tmpdir(), "discd-policy-"));

/** DNS over TLS, and over HTTPS (RFC 8484), NXDOMAIN for everything; and a page that is none. */
const program = (key: string, certificate: string) => `
const { readFileSync } = require("node:fs");
const own = { key: readFileSync("${key}"), cert: readFileSync("${certificate}") };
require("node:tls").createServer(own, (socket) => {
  socket.on("error", () => {});
  socket.on("data", (frame) => { frame[4] |= 0x80; frame[5] = 3; socket.write(frame); });
}).listen(853, "::");
require("node:https").createServer(
  own,
  (request, response) => {
    const query = new URL(request.url, "https://x").searchParams.get("dns");
    if (query === null || !request.url.startsWith("/dns-query")) return response.end("hello");
    const reply = Buffer.from(query, "base64url");
    reply[2] |= 0x80; reply[3] = 3;
    response.setHeader("content-type", "application/dns-message");
    response.end(reply);
  },
).listen(443, "::");
`;

let isServing = false;
function serve(): void {
  if (isServing) return;
  isServing = true;
  const authority = new Authority();
  const { leaf, key } = authority.issue("doh.lab");
  const path = (name: string, text: string) => {
    writeFileSync(join(scratch, name), text, { mode: 0o600 });
    return join(scratch, name);
  };
  const script = program(path("key.pem", key), path("cert.pem", leaf));
  const { lab } = built.stage;
  lab.keep(new Child([...lab.enter("isp"), process.execPath, "-e", script]));
}

async function run(
  policy: string,
  list: string,
  more = "",
  resolvConf?: string,
): Promise<Diagnosis> {
  serve();
  const file = join(scratch, "policy.lua");
  writeFileSync(file, `policy = { ${policy} }\n`);
  writeFileSync(join(scratch, "doh.txt"), `${list}\n`);
  const words = `--zone ${zone} --server ${server} --policy ${file} ${more}`.trim();
  return built.stage.run(words, resolvConf === undefined ? {} : { resolvConf });
}

const listed = "doh_list = 'doh.txt'";
const endpoint = "https://doh.lab/dns-query 10.6.0.1";

it("A8.9 A8.27 an endpoint that answers: a fault where the policy denies it", async () => {
  const denied = await run(`doh = 'deny', ${listed}`, endpoint);
  expect([denied.faults, denied.status]).toEqual([["doh DOH-REACHABLE"], 2]);
  const { evidence = [], remedy = [] } = denied.check("doh") ?? {};
  expect(evidence[0]).toBe("https://doh.lab/dns-query at 10.6.0.1: answers over HTTPS");
  expect(remedy[0]).toContain("ports 443 and 853 to 10.6.0.1");
  const allowed = await run(`doh = 'allow', ${listed}`, endpoint);
  expect([allowed.faults, allowed.status]).toEqual([[], 0]);
  expect(allowed.check("doh")?.decision).toContain(`for names of ${zone}, and finds nothing`);
});

it("A8.9 what is blocked, closed, unknown, or no DNS", async () => {
  const rule =
    "chain out { type filter hook output priority 0; ip daddr 10.6.0.1 tcp dport 443 drop; }";
  const { stage } = built;
  const blocked = await stage.withRules(
    [rule],
    () =>
      run(`doh = 'deny', ${listed}`, `${endpoint}\nhttps://unknown.lab/\nhttps://10.6.0.1:444/`),
    "cli",
  );
  expect([blocked.faults, blocked.status]).toEqual([[], 0]);
  expect(blocked.check("doh")?.evidence.slice(0, 3)).toEqual([
    "https://doh.lab/dns-query at 10.6.0.1: not reached, no answer",
    "https://unknown.lab/: not reached, the system's resolver knows no address of it",
    expect.stringMatching(
      /^https:\/\/10\.6\.0\.1:444\/ at 10\.6\.0\.1: not reached, nothing listens/,
    ),
  ]);
  const overTls = await run(`doh = 'deny', ${listed}`, "tls://doh.lab 10.6.0.1\ntls://10.6.0.1:54");
  expect(overTls.faults).toEqual(["doh DOH-REACHABLE"]);
  expect(overTls.check("doh")?.evidence.slice(0, 2)).toEqual([
    "tls://doh.lab at 10.6.0.1: answers over TLS",
    expect.stringMatching(/^tls:\/\/10\.6\.0\.1:54 at 10\.6\.0\.1: not reached, nothing listens/),
  ]);
  const page = await run(`doh = 'deny', ${listed}`, "https://doh.lab/page 10.6.0.1");
  expect(page.faults).toEqual(["doh DOH-REACHABLE"]);
  expect(page.check("doh")?.evidence[0]).toMatch(/HTTP status 200, and no DNS message$/);
});

it("A8.9 the canary: a warning where it is there, and DNS over HTTPS is denied", async () => {
  const { stage } = built;
  await stage.resolver(['local-data: "use-application-dns.net. A 192.0.2.9"']);
  const there = await run("doh = 'deny'", "");
  expect([there.faults, there.status]).toEqual([["doh DOH-CANARY"], 1]);
  const allowed = await run("doh = 'allow'", "");
  expect(allowed.faults).toEqual([]);
  const line = there.check("doh")?.remedy[0]?.replace("unbound: ", "") as string;
  await stage.resolver([line]);
  const mended = await run("doh = 'deny'", "");
  await stage.resolver();
  expect([mended.faults, mended.check("doh")?.state]).toEqual([[], "PASS"]);
});

it("A8.27 leak = 'all': a resolver that is asked by another interface", async () => {
  const resolvConf = "nameserver 10.6.0.1\n";
  const all = await run("leak = 'all'", "", "--all", resolvConf);
  expect(all.faults).toContain("leak-policy NAMES-LEAVE-ELSEWHERE");
  const internal = await run("leak = 'internal'", "", "--all", resolvConf);
  expect(internal.faults.join()).not.toContain("leak-policy");
  const well = await run("leak = 'all'", "");
  expect([well.faults, well.check("leak-policy")?.state]).toEqual([[], "PASS"]);
});

it("A8.27 the manual's own command, with the policy and the list that it shows", async () => {
  const read = (name: string) => readFileSync(join(top, "docs", name), "utf8");
  const [, policy = ""] =
    /^```lua\n.*\npolicy = \{\n([\s\S]*?)^\}/m.exec(read("leakcheck.md")) ?? [];
  const [, list = ""] = /^```\n(https:[\s\S]*?)```/m.exec(read("doctor.md")) ?? [];
  const line = /^discli doctor --zone (\S+) --policy policy\.lua$/m.exec(read("doctor.md"));
  expect([policy, list].every((text) => text !== "") && line?.[1]).toBe(zone);
  const found = await run(policy, list);
  expect([found.faults, found.status]).toEqual([[], 0]);
  expect(found.check("doh")?.state).toBe("PASS");
  expect(found.check("doh")?.evidence).toHaveLength(6);
});

it("a policy or a list that is wrong ends the run before it begins", async () => {
  await expect(run("dhoh = 'deny'", "")).rejects.toThrow(
    /policy\.lua:1: policy\.dhoh: unknown key/,
  );
  await expect(run(`doh = 'deny', ${listed}`, "\nfoo")).rejects.toThrow(/doh\.txt:2: "foo" is no/);
  await expect(run("doh_list = 'none.txt'", "")).rejects.toThrow(/none\.txt: ENOENT; doh_list/);
});
