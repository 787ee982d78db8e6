// `discli leakcheck` on a host with two uplinks: a private one with discd, and a
// public one with a name server that should never hear of its zone. What discli
// says is held against captures on both links, which it knows nothing of.

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Capture } from "./capture.js";
import { type Child, run } from "./children.js";
import { top } from "./daemon.js";
import { type Outcome, runDiscli } from "./discli-run.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("named", "tcpdump", "unbound");
const scratch = mkdtempSync(join(tmpdir(), "discd-leakcheck-"));
const zone = "floor1.example.com";

const drawing = `
  vpn:  cli 10.8.0.2/24 2001:db8:8::2/64 | px  10.8.0.53/24 2001:db8:8::53/64
  wifi: cli 10.9.0.2/24 2001:db8:9::2/64 | pub 10.9.0.53/24 2001:db8:9::53/64
  net1: px  10.1.0.1/24
`;

let lab: Lab;
let vpn: Capture;
let wifi: Capture;

laboratory(
  async (built) => {
    lab = built;
    [vpn, wifi] = await Promise.all([
      lab.capture("vpn", "port 53 or port 5353"),
      lab.capture("wifi", "port 53 or port 5353"),
    ]);
    await lab.bind(
      "pub",
      ["10.9.0.53"],
      [
        { origin: "example.org.", lines: [] },
        { origin: "example.com.", lines: [] },
      ],
    );
    const config = `wait = '200ms'
interfaces = { { name = 'net1', subdomain = '${zone}' }, { name = 'vpn', disable = true } }`;
    await lab.discd(config, { from: "cli", server: "10.8.0.53", apex: zone });
  },
  () => new Lab(drawing, {}),
);

/** discli in the client, and the names of its run that an independent capture saw on each link. */
async function check(
  resolv: string,
  words: readonly string[],
  more: { before?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome & { onVpn: string[]; onWifi: string[] }> {
  const since = Date.now();
  const argv = ["leakcheck", "--zone", zone, ...words];
  const outcome = await runDiscli(lab.enter("cli"), argv, { resolv, ...more });
  await new Promise((resume) => setTimeout(resume, 200));
  const names = (capture: Capture) => {
    const frames = capture.frames.filter(({ at }) => at >= since);
    const asked = frames.flatMap(({ message }) => message?.questions ?? []);
    const ours = asked.map(({ name }) => name.toLowerCase()).filter((name) => /^leak-/.test(name));
    return [
      ...new Set(ours.map((name) => name.replace(/^leak-\w+-(\w)\d\.(.*)\.$/, "$1 $2"))),
    ].sort();
  };
  return { ...outcome, onVpn: names(vpn), onWifi: names(wifi) };
}

const pcapOf = ({ out }: Outcome): string => / {2}proof {3}(\S+\.pcap):/.exec(out)?.[1] ?? "";

async function resolver(...zones: string[]): Promise<Child> {
  const more = [
    "do-not-query-localhost: no",
    ...zones.flatMap((line) => {
      const [name, ...servers] = line.split(" ");
      const forwards = servers.map((server) => `forward-addr: ${server}`);
      return ["forward-zone:", `name: "${name}"`, ...forwards];
    }),
  ];
  return lab.unbound("cli", 53, ["10.9.0.53"], more);
}

it("A8.7 the zone's server alone is asked: status 0, and a file that tcpdump reads", async () => {
  for (const server of ["10.8.0.53", "2001:db8:8::53"]) {
    const file = join(scratch, "good.pcap");
    const seen = await check(`nameserver ${server}\n`, ["--if", "vpn", "--pcap", file]);
    expect([seen.status, seen.err], seen.out).toEqual([0, ""]);
    expect(seen.out).toMatch(/^leakcheck PASS names of floor1\.example\.com were seen on vpn and/);
    expect(seen.out).toContain(`to ${server}`);
    expect([seen.onVpn, seen.onWifi]).toEqual([[`z ${zone}`], []]);
    const read = run(["tcpdump", "-nr", file]).trim().split("\n");
    expect(read.filter((line) => /A\? leak-\w+-z[123]\.floor1/.test(line)).length).toBeGreaterThan(
      2,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
});

it("A8.7 names that pass another interface: status 2, the packets, and the file", async () => {
  for (const server of ["10.9.0.53", "2001:db8:9::53"]) {
    const seen = await check(`nameserver ${server}\n`, ["--if", "vpn"]);
    expect([seen.status, seen.err], seen.out).toEqual([2, ""]);
    expect(seen.out).toMatch(/^leakcheck FAIL /);
    expect(seen.out).toMatch(/ {2}leak {4}wifi: \d+ packets: names of floor1.*meant for vpn/);
    expect(seen.out).toContain(`wifi Out `);
    expect(seen.out).toMatch(
      new RegExp(`> ${server}\\.53: UDP, DNS query A leak-\\w+-z1\\.${zone}`),
    );
    expect(seen.out).toMatch(/ {2}remedy .*resolvectl domain vpn '~floor1\.example\.com'/);
    expect(seen.out).toMatch(/or, if wifi is the way that is meant: --if wifi$/m);
    expect([seen.onVpn, seen.onWifi]).toEqual([[], [`z ${zone}`]]);
    const file = pcapOf(seen);
    expect(run(["tcpdump", "-nr", file])).toContain(`${server}.53`);
    run(["rm", file]);
  }
});

it("A8.7 the second server of resolv.conf is asked when the first is silent: found", async () => {
  const resolv = "nameserver 10.8.0.99\nnameserver 10.9.0.53\noptions timeout:1 attempts:1\n";
  const seen = await check(resolv, ["--if", "vpn", "--json"]);
  const found = JSON.parse(seen.out);
  expect([seen.status, found.state, found.interface]).toEqual([2, "FAIL", "vpn"]);
  expect(found.leaks).toHaveLength(1);
  expect(found.leaks[0]).toMatchObject({ interface: "wifi" });
  expect(found.leaks[0].packets.length).toBeGreaterThan(2);
  expect(seen.onWifi).toEqual([`z ${zone}`]);
  run(["rm", found.proof]);
});

it("A8.16 split DNS: each side hears its own names; a resolver for all tells both", async () => {
  const words = ["--if", "vpn", "--to", "10.8.0.53", "--pcap", join(scratch, "split.pcap")];
  const here = "nameserver 127.0.0.1\n";
  const right = await resolver(`${zone} 10.8.0.53`, ". 10.9.0.53");
  const good = await check(here, words);
  await right.stop();
  expect([good.status, good.err], good.out).toEqual([0, ""]);
  expect([good.onVpn, good.onWifi]).toEqual([[`z ${zone}`], ["o example.org"]]);

  const reversed = await resolver(". 10.8.0.53");
  const inside = await check(here, words);
  await reversed.stop();
  expect(inside.status, inside.out).toBe(2);
  expect(inside.out).toMatch(/leak {4}vpn: .*outside the zone reach 10\.8\.0\.53, .*zone alone/);
  expect(inside.onVpn).toEqual(["o example.org", `z ${zone}`]);

  const open = await resolver(". 10.9.0.53");
  const outside = await check(here, words);
  await open.stop();
  expect(outside.status, outside.out).toBe(2);
  expect(outside.out).toMatch(/leak {4}wifi: .*names of floor1\.example\.com pass it/);
  expect(outside.onWifi).toContain(`z ${zone}`);
});

it("A8.16 on the interface that is meant, a server that is not meant is a leak", async () => {
  const seen = await check("nameserver 10.9.0.53\n", [
    ...["--if", "wifi", "--to", "10.8.0.53", "--pcap", join(scratch, "server.pcap")],
  ]);
  expect(seen.status, seen.out).toBe(2);
  expect(seen.out).toMatch(/leak {4}wifi: .* reach 10\.9\.0\.53, which is none of the zone's/);
});

it("A8.27 the policy changes the verdict: leak = 'all' counts every name", async () => {
  const split = await resolver(`${zone} 10.8.0.53`, ". 10.9.0.53");
  const verdicts: (number | null | undefined)[] = [];
  for (const leak of ["internal", "all"]) {
    const policy = join(scratch, `${leak}.lua`);
    writeFileSync(policy, `policy = { leak = '${leak}', servers = '10.8.0.53' }\n`);
    const seen = await check("nameserver 127.0.0.1\n", [
      ...["--if", "vpn", "--policy", policy, "--pcap", join(scratch, "policy.pcap")],
    ]);
    verdicts.push(seen.status);
    if (leak === "all") expect(seen.out).toMatch(/wifi: .*names outside the zone pass it/);
  }
  await split.stop();
  expect(verdicts).toEqual([0, 2]);
});

it("a device made of others is one path: the same packet on its parts is no leak", async () => {
  const bridge = "ip link add brv type bridge && ip link set brv up && ip link set vpn master brv";
  lab.run("cli", `${bridge} && ip addr del 10.8.0.2/24 dev vpn && ip addr add 10.8.0.2/24 dev brv`);
  const seen = await check("nameserver 10.8.0.53\n", [
    ...["--if", "brv", "--pcap", join(scratch, "bridge.pcap")],
  ]);
  lab.run("cli", "ip link del brv && ip addr add 10.8.0.2/24 dev vpn");
  expect([seen.status, seen.err], seen.out).toEqual([0, ""]);
  const read = run(["tcpdump", "-nr", join(scratch, "bridge.pcap"), "2>/dev/null"].slice(0, 3));
  expect(read).toContain("leak-");
});

it("names asked by multicast are a leak on the interface that is meant, too", async () => {
  // A resolver that asks everybody on the link, in place of the C library's.
  const folder = mkdtempSync(join(tmpdir(), "discd-leakcheck-"));
  const program = `#!${process.execPath}
const labels = process.argv[3].split(".").slice(0, -1).map((label) =>
  Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
const head = Buffer.from("000000000001000000000000", "hex");
const query = Buffer.concat([head, ...labels, Buffer.of(0, 0, 1, 0, 1)]);
const to = process.env.TO;
const socket = require("dgram").createSocket(to.includes(":") ? "udp6" : "udp4");
socket.send(query, 5353, to, () => socket.close());
`;
  writeFileSync(join(folder, "getent"), program);
  chmodSync(join(folder, "getent"), 0o755);
  for (const to of ["224.0.0.251", "ff02::fb%vpn"]) {
    lab.run("cli", "ip route replace 224.0.0.0/4 dev vpn");
    const env = { PATH: `${folder}:${process.env.PATH}`, TO: to };
    const words = ["--if", "vpn", "--pcap", join(scratch, "multicast.pcap")];
    const seen = await check("nameserver 10.8.0.53\n", words, { env });
    expect(seen.status, seen.out).toBe(2);
    expect(seen.out).toMatch(/leak {4}vpn: .* asked by mDNS: all who are on the link read them/);
  }
});

it("status 3: nothing seen, and no right to see; the command that would do is said", async () => {
  const none = await check("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", ["--if", "vpn"]);
  expect(none.status, none.out).toBe(3);
  expect(none.out).toMatch(/^leakcheck SKIP the names went to a resolver on this host, which sent/);
  run(["rm", pcapOf(none)]);
  const before = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"];
  const kept = () => readdirSync(tmpdir()).filter((name) => /^discli-leakcheck-/.test(name));
  const files = kept();
  const weak = await check("nameserver 10.8.0.53\n", ["--if", "vpn"], { before });
  expect([weak.status, weak.out]).toEqual([3, ""]);
  expect(weak.err).toBe(
    "discli: watching interfaces takes the right CAP_NET_RAW; " +
      `run: sudo discli leakcheck --zone ${zone} --if vpn`,
  );
  expect(kept()).toEqual(files);
  // A folder in which nothing can be made: what was found is said all the same.
  const env = { TMPDIR: "/proc" };
  const lost = await check("nameserver 10.8.0.53\n", ["--if", "vpn"], { env });
  expect([lost.status, lost.out.split(" ")[1]]).toEqual([0, "PASS"]);
  expect(lost.err).toMatch(/^discli: \/proc\/discli-leakcheck-\w+\.pcap: \w+; name a file/);
});

it("A8.7 each command of the manual does what the manual says", async () => {
  const manual = readFileSync(join(top, "docs", "leakcheck.md"), "utf8");
  const fenced = (language: string) =>
    [...manual.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(
      ([, text]) => text!,
    );
  const [policy = ""] = fenced("lua");
  writeFileSync(join(scratch, "policy.lua"), policy);
  const lines = fenced("sh").flatMap((text) => text.trim().split("\n"));
  const split = await resolver(`${zone} 10.8.0.53`, ". 10.9.0.53");
  for (const line of lines) {
    const [first, ...rest] = line.replace(/^sudo /, "").split(" ");
    const words = rest.map((word) => word.replace(/^(\w+\.(lua|pcap))$/, `${scratch}/$1`));
    if (first !== "discli") {
      expect(run([first!, ...words])).toMatch(/leak-\w+-z1/);
      continue;
    }
    const seen = await runDiscli(lab.enter("cli"), words, { resolv: "nameserver 127.0.0.1\n" });
    expect([seen.status, seen.err], `${line}\n${seen.out}`).toEqual([0, ""]);
  }
  await split.stop();
  expect(lines).toHaveLength(6);
  for (const name of readdirSync(tmpdir())) {
    if (/^discli-leakcheck-/.test(name)) run(["rm", join(tmpdir(), name)]);
  }
});

it("what makes no sense is said in one line, and nothing is asked", async () => {
  const broken = join(scratch, "broken.lua");
  writeFileSync(broken, "policy = {\n  leak = 'some',\n}\n");
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--if", "tun9"], /--if tun9: there is no such interface; there are .*vpn/],
    [[], /name the interface that is meant for the zone with --if IF/],
    [["--if", "vpn", "--to", "px"], /--to px: write an address/],
    [["--if", "vpn", "--server", "10.8.0.53"], /asks as the system does; --to names who/],
    [
      ["--if", "vpn", "--policy", broken],
      /the policy is wrong\n.*broken\.lua:2: policy\.leak: must/,
    ],
    [["--if", "vpn", "--policy", "/none.lua"], /the policy is wrong\n\/none\.lua: no such file/],
    [["--if", "vpn", "--pcap", "/none/x.pcap"], /\/none\/x\.pcap: ENOENT; name a file .*--pcap/],
  ];
  for (const [words, says] of cases) {
    const seen = await check("nameserver 10.9.0.53\n", words);
    expect([seen.status, seen.out, seen.onWifi], words.join(" ")).toEqual([2, "", []]);
    expect(seen.err).toMatch(says);
  }
  expect(existsSync("/none")).toBe(false);
});
