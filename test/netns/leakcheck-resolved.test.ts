// `discli leakcheck` where systemd-resolved decides whom a name is asked of.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Child, run } from "./children.js";
import { discli } from "./discli-run.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { Resolved } from "./resolved.js";

const it = needs("dbus-daemon", "named", "resolvectl", "tcpdump");
const file = join(mkdtempSync(join(tmpdir(), "discd-leakcheck-")), "proof.pcap");
const zone = "floor1.example.com";

const drawing = `
  vpn:  cli 10.8.0.2/24 | px  10.8.0.53/24
  wifi: cli 10.9.0.2/24 | pub 10.9.0.53/24
`;

let lab: Lab;
laboratory(
  async (built) => {
    lab = built;
    const outside = { origin: "example.org.", lines: [] };
    await lab.bind("px", ["10.8.0.53"], [{ origin: `${zone}.`, lines: [] }, outside]);
    await lab.bind("pub", ["10.9.0.53"], [outside]);
  },
  () => new Lab(drawing, {}),
);

it("A8.16 no link owns the zone: a leak, and the remedy that is printed mends it", async () => {
  const resolved = lab.keep(await Resolved.start(lab, "cli"));
  resolved.control("dns wifi 10.9.0.53");
  resolved.control("default-route wifi yes");
  const check = async () => {
    const words = ["--if", "vpn", "--zone", zone, "--to", "10.8.0.53", "--pcap", file];
    const child = new Child([...resolved.enter(), discli, "leakcheck", ...words]);
    await child.ended;
    return { status: child.exit?.code, out: child.stdoutLines.join("\n") };
  };
  const open = await check();
  expect(open.status, open.out).toBe(2);
  expect(open.out).toMatch(/leak {4}wifi: .*names of floor1\.example\.com pass it/);
  const [, servers = "", domains = ""] =
    /resolvectl (dns vpn \S+); resolvectl (domain vpn '\S+')/.exec(open.out) ?? [];
  resolved.control(servers);
  resolved.control(domains.replaceAll("'", ""));
  resolved.control("default-route vpn no");
  resolved.control("flush-caches");
  const split = await check();
  expect(split.status, split.out).toBe(0);
  expect(split.out).toMatch(/^leakcheck PASS /);
  // What the file holds: each server its own names.
  const lines = run(["tcpdump", "-nr", file]).split("\n");
  const asked = (server: string) => lines.filter((line) => line.includes(`> ${server}.53:`));
  expect(asked("10.8.0.53").length).toBeGreaterThan(2);
  expect(asked("10.8.0.53").every((line) => /-z\d\.floor1/.test(line))).toBe(true);
  expect(asked("10.9.0.53").length).toBeGreaterThan(2);
  expect(asked("10.9.0.53").every((line) => /-o\d\.example\.org/.test(line))).toBe(true);
});
