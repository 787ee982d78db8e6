// discli with resolvers of others, two hops from the link: BIND and Unbound in
// between, systemd-resolved present and absent, and one of several that is bad.

import { expect } from "vitest";
import type { Capture } from "./capture.js";
import { Child, until } from "./children.js";
import { runDiscli } from "./discli-run.js";
import { discli } from "./discli-stage.js";
import { type Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { plainName } from "./packet.js";
import { Resolved } from "./resolved.js";
import { Terminal } from "./terminal.js";

const zone = "lab.example.com";
const it = needs("avahi-daemon", "named", "script", "tcpdump", "unbound");

let lab: Lab;
/** Hears the link from before the device is there. */
let ear: Capture;

laboratory(async (built) => {
  lab = built;
  const floors = ["b", "lb"].map((list) => `${list}._dns-sd._udp.example.com. PTR ${zone}.`);
  await lab.bind(
    "dns",
    ["10.9.0.53"],
    [
      {
        origin: "example.com.",
        lines: ["px.example.com. A 10.8.0.53", "lab.example.com. NS px.example.com.", ...floors],
      },
      {
        origin: "fixed.example.com.",
        lines: [
          "_ipp._tcp PTR 2nd\\032Floor._ipp._tcp",
          "2nd\\032Floor._ipp._tcp SRV 0 0 631 press",
          '2nd\\032Floor._ipp._tcp TXT "rp=ipp/print"',
          "press A 10.9.0.77",
        ],
      },
    ],
  );
  await lab.unbound("cli", 53, ["10.9.0.53"]);
  ear = await lab.capture("net1");
  const service = { name: "Drucker Büro", type: "_ipp._tcp", port: 631, txt: ["rp=x"] };
  await lab.avahi("ava1", { host: "ava1", services: [service] });
  await lab.discd(
    `interfaces = { { name = 'net1', subdomain = '${zone}' }, { name = 'net2', disable = true },
       { name = 'uplink', disable = true } }`,
    { apex: zone },
  );
});

const words = (text: string) => text.split(" ");
const unbound = "nameserver 127.0.0.1\nsearch example.com\n";

it("through Unbound, by the search domains of resolv.conf: systemd-resolved absent", async () => {
  const found = await until("the printer", async () => {
    const outcome = await runDiscli(lab.enter("cli"), ["browse", "_ipp._tcp"], { resolv: unbound });
    return outcome.status === 0 ? outcome : undefined;
  });
  expect(found).toEqual({ status: 0, out: `Drucker Büro._ipp._tcp.${zone}`, err: "" });
  const domains = await runDiscli(lab.enter("cli"), ["domains"], { resolv: unbound });
  expect(domains.out).toMatch(/^lb browse unasked {7}lab\.example\.com$/m);
  const resolved = await runDiscli(
    lab.enter("cli"),
    ["resolve", `Drucker Büro._ipp._tcp.${zone}`],
    { resolv: unbound },
  );
  expect(resolved.out).toMatch(/^ {2}at ava1\.lab\.example\.com port 631$/m);
});

it("A2.1 A2.2 through Unbound, in a terminal and in a pipe", async () => {
  const instance = `Drucker Büro._ipp._tcp.${zone}`;
  const inTerminal = async (command: string) => {
    const terminal = new Terminal(lab.enter("cli"), `${discli} --server 127.0.0.1 ${command}`);
    expect(await terminal.end()).toBe(0);
    return terminal.plain.split("\n");
  };
  const inPipe = async (...command: readonly string[]) => {
    const list = ["--server", "127.0.0.1", ...command];
    const { status, out, err } = await runDiscli(lab.enter("cli"), list, { resolv: unbound });
    expect([status, err]).toEqual([0, ""]);
    return out.split("\n");
  };
  expect(await inTerminal(`browse _ipp._tcp ${zone}`)).toEqual([
    "INSTANCE      TYPE       DOMAIN",
    `Drucker Büro  _ipp._tcp  ${zone}`,
    "",
  ]);
  expect(await inPipe("browse", "_ipp._tcp", zone)).toEqual([instance]);
  const table = await inTerminal(`resolve '${instance}'`);
  expect(table).toContainEqual(expect.stringMatching(/^host {2,}ava1\.lab\.example\.com$/));
  expect(table).toContainEqual(expect.stringMatching(/^port {2,}631$/));
  expect(table).toContainEqual(expect.stringMatching(/^txt {2,}rp=x$/));
  const lines = await inPipe("resolve", instance);
  expect(lines.slice(0, 2)).toEqual([instance, `  at ava1.${zone} port 631`]);
  expect(lines).toContain("  txt rp=x");
});

it("C1 row 17 a device that is heard over IPv4 and over IPv6 is one line", async () => {
  const frames = await ear.from(lab.mac("ava1", "net1"));
  const told = frames.filter(
    ({ message }) =>
      message?.isResponse === true &&
      message.answers.some(({ name }) => name === plainName("_ipp._tcp.local")),
  );
  expect(new Set(told.map(({ family }) => family))).toEqual(new Set([4, 6]));
  const run = (text: string) => runDiscli(lab.enter("cli"), words(text), { resolv: unbound });
  const { out } = await run(`browse _ipp._tcp ${zone}`);
  expect(out.split("\n")).toEqual([`Drucker Büro._ipp._tcp.${zone}`]);
  expect(JSON.parse((await run(`--json browse _ipp._tcp ${zone}`)).out)).toHaveLength(1);
});

it("a zone of BIND, in a terminal and in a pipe", async () => {
  const command = `${discli} --server 10.9.0.53 browse _ipp._tcp fixed.example.com`;
  const terminal = new Terminal(lab.enter("cli"), command);
  expect(await terminal.end()).toBe(0);
  expect(terminal.plain).toBe(
    "INSTANCE   TYPE       DOMAIN\n2nd Floor  _ipp._tcp  fixed.example.com\n",
  );
  const browse = words("--server 10.9.0.53 browse _ipp._tcp fixed.example.com");
  const piped = await runDiscli(lab.enter("cli"), browse, { resolv: unbound });
  expect(piped).toMatchObject({ status: 0, out: "2nd Floor._ipp._tcp.fixed.example.com" });
  const resolve = ["--server", "10.9.0.53", "resolve", "2nd Floor._ipp._tcp.fixed.example.com"];
  const { out } = await runDiscli(lab.enter("cli"), resolve, { resolv: unbound });
  expect(out.split("\n")).toEqual([
    "2nd Floor._ipp._tcp.fixed.example.com",
    "  at press.fixed.example.com port 631",
    "  A 10.9.0.77",
    "  txt rp=ipp/print",
  ]);
});

needs(
  "avahi-daemon",
  "named",
  "unbound",
  "resolvectl",
  "dbus-daemon",
)("systemd-resolved present: its stub, and the search domains that it writes down", async () => {
  // Where no other resolver has the port.
  const resolved = await Resolved.start(lab, "rt");
  try {
    resolved.control("dns wan 10.9.0.53");
    resolved.control("domain wan example.com");
    const run = async (text: string) => {
      const child = new Child([...resolved.enter(), discli, ...words(text)]);
      await child.ended;
      return { status: child.exit?.code, out: child.stdoutLines, err: child.stderrLines };
    };
    const domains = await until("the search domain", async () => {
      const outcome = await run("domains");
      return outcome.status === 0 ? outcome : undefined;
    });
    expect(domains.out).toContain("lb browse unasked       lab.example.com");
    const fixed = await run("browse _ipp._tcp fixed.example.com");
    expect(fixed).toEqual({
      status: 0,
      out: ["2nd Floor._ipp._tcp.fixed.example.com"],
      err: [],
    });
  } finally {
    await resolved.stop();
  }
});

needs("named", "unbound", "nft")(
  "A8.18 watch-resolvers: 20 % loss to one of two, and that one is flagged within a minute",
  async () => {
    // Every fifth packet, so that the test is not a matter of luck.
    const rules = [
      "nft add table inet loss",
      "nft add chain inet loss in '{ type filter hook input priority 0; }'",
      "nft add rule inet loss in udp dport 53 ip daddr 10.9.0.53 numgen inc mod 5 == 0 drop",
    ];
    lab.run("dns", rules.join(" && "));
    try {
      const start = Date.now();
      const watch = words(
        "watch-resolvers 127.0.0.1 10.9.0.53 --name fixed.example.com --type SOA",
      );
      const child = lab.keep(new Child([...lab.enter("cli"), discli, ...watch]));
      expect(await child.says(/% timeouts/, 60_000)).toMatch(
        /^discli: 10\.9\.0\.53: \d+ % timeouts$/,
      );
      expect(Date.now() - start).toBeLessThan(60_000);
      await until("a table", () => child.stdoutLines.length >= 2, 15_000);
      child.kill("SIGINT");
      await child.ended;
      expect(child.exit?.code).toBe(1);
      const fields = child.stdoutLines.slice(-2).map((line) => line.split("\t"));
      expect(fields[0]).toMatchObject({ 0: "127.0.0.1", 4: "0", 5: "0", 6: "0", 7: "ok" });
      expect(fields[1]?.[0]).toBe("10.9.0.53");
      expect(fields[1]?.[7]).toMatch(/^1\d % timeouts$|^2\d % timeouts$/);
      // Two questions a second to each, and no more.
      const seconds = (Date.now() - start) / 1000;
      expect(Number(fields[0]?.[1])).toBeLessThanOrEqual(seconds * 2 + 2);
    } finally {
      lab.run("dns", "nft delete table inet loss");
    }
  },
  90_000,
);
