// What goes wrong between discd and its primary, as an operator sees it: the log
// says in words whose fault it is, nothing wrong is written, and when the fault is
// over the zone is as it should be.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { run, until } from "./children.js";
import { configure, type Daemon } from "./daemon.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { keyLine, lists, published, untilZone, updateConfig, updateSite } from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig");
let lab: Lab;
const { named, discd, printer, fresh } = updateSite((built) => {
  lab = built;
});

const says = (daemon: Daemon, words: RegExp) =>
  until(`${words}`, () => daemon.log.find((line) => words.test(line)), 30_000).catch((error) => {
    throw new Error(`${error}\n${daemon.log.join("\n")}`);
  });

const isThere = () => lists(lab, "Laser._ipp._tcp");

/** Lets a daemon live at another time. */
function shifted(milliseconds: number): Readonly<Record<string, string>> {
  const file = `${configure("", true)}.mjs`;
  writeFileSync(file, `const now = Date.now; Date.now = () => now() + (${milliseconds});\n`);
  return { NODE_OPTIONS: `--import=${file}` };
}

it("another secret is told, and the right one makes up for it [TSIG-9]", async () => {
  await named();
  const state = fresh("state");
  const daemon = await discd({
    state,
    key: keyLine(undefined, "c2VjcmV0IG9mIGFuIGV4YW1wbGUsIG5vdCB5b3VyIG93bg=="),
  });
  await printer("ava1", "Laser");
  await says(
    daemon,
    /has another secret for .*discd-link1\.example.*BADSIG.*: make them the same on both sides/,
  );
  expect(published(lab)).toEqual([]);
  daemon.reload(updateConfig({ state }));
  await untilZone("it is there", lab, isThere, 60_000);
});

it("a key that the server does not know is told by its name [TSIG-9]", async () => {
  await named();
  const daemon = await discd({ key: keyLine("discd-other.example") });
  await printer("ava1", "Laser");
  await says(
    daemon,
    /does not know .*discd-other\.example.*BADKEY.*: check its name and algorithm/,
  );
  expect(published(lab)).toEqual([]);
});

it("a policy that forbids it is told in words", async () => {
  await named({ policy: ["grant somebody-else.example. zonesub ANY;"] });
  const daemon = await discd();
  await printer("ava1", "Laser");
  const line = await says(daemon, /REFUSED/);
  expect(line).toMatch(/rules for updates do not allow it .*: look at what the key '\S+' may do/);
  expect(published(lab)).toEqual([]);
});

it("a clock that is wrong by an hour is told, and which way [TSIG-10]", async () => {
  await named();
  const daemon = await discd({ env: shifted(-3_600_000) });
  await printer("ava1", "Laser");
  const line = await says(daemon, /BADTIME/);
  expect(line).toMatch(/set both by NTP/);
  expect(published(lab)).toEqual([]);
});

const since1971 = Date.UTC(1971, 0, 1) - Date.now();
const open = "key = nil, allow_unauthenticated = true,";

it("TIMEOUT records are written with a clock that may be trusted alone [TO-8]", async () => {
  await named({ isOpen: true });
  const state = fresh("state");
  const lost = await discd({ state, env: shifted(since1971), update: open, key: "" });
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, isThere);
  await sleep(3000);
  expect(published(lab).join("\n")).not.toContain("TYPE65280");
  const told = lost.log.filter((line) => line.includes("clock-not-trusted"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/the clock is before 20\d\d-.*no TIMEOUT records are written/);
  await lost.stop();
  const trusting = await discd({ state, update: `${open} trust_clock = true,`, key: "" });
  await untilZone("TIMEOUTs are there", lab, (lines) => lines.join().includes("TYPE65280"));
  expect(trusting.log.join("\n")).not.toContain("clock-not-trusted");
});

it("a full disk holds updates back, which go on when there is room", async () => {
  await named();
  const state = fresh("state");
  const fill = `mkdir -p ${state}; mount -t tmpfs -o size=64k none ${state}`;
  const before = `${fill}; head -c 1M /dev/zero > ${state}/ballast 2>/dev/null`;
  const daemon = await discd({ state, before });
  await printer("ava1", "Laser");
  await says(daemon, /state-file-not-written/);
  await sleep(5000);
  const told = daemon.log.filter((line) => line.includes("state-file-not-written"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/the disk is full/);
  expect(published(lab)).toEqual([]);
  rmSync(`/proc/${daemon.child.pid}/root${state}/ballast`);
  await untilZone("it is there", lab, isThere, 60_000);
  await says(daemon, /state-file-written/);
  const file = `/proc/${daemon.child.pid}/root${state}/link1.discd.test.journal`;
  expect(readFileSync(file, "utf8")).toContain("Laser._ipp._tcp.link1.discd.test.");
});

it("a primary that is away is told, and gets all when it is back", async () => {
  const daemon = await discd();
  await printer("ava1", "Laser");
  await says(daemon, /nothing listens there/);
  await named();
  await untilZone("it is there", lab, isThere, 60_000);
  const words = ["dig", "@127.0.0.1", "+short", "keep.link1.discd.test", "A"];
  expect(run([...lab.enter("ns1"), ...words])).toBe("192.0.2.77\n");
});
