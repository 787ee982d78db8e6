// Updates over TLS, to the listener of named: whom discd trusts, and that nothing
// is said to anybody else, nor in the clear.

import { expect } from "vitest";
import { Authority } from "./authority.js";
import type { Capture } from "./capture.js";
import { until } from "./children.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { lists, primaryAddress, untilZone, updateSite } from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig", "openssl", "tcpdump");
let lab: Lab;
const { named, discd, printer } = updateSite((built) => {
  lab = built;
});

const authority = new Authority();
const host = "ns1.link1.discd.test";
const issued = authority.issue(host);
const tls = { leaf: issued.leaf + authority.middle, key: issued.key };

/** Ports at which the primary was spoken to over TCP; throws where it was over UDP. */
async function portsIn(seen: Capture): Promise<number[]> {
  const sent = await seen.from(lab.mac("px", "wan"));
  const ports = sent
    .filter(({ target }) => target === primaryAddress)
    .map(({ payload, targetPort }) => {
      expect(targetPort).toBe(0);
      return payload.readUInt16BE(22);
    });
  return [...new Set(ports)];
}

const trusting = {
  "the authority and the name": `tls = { name = '${host}', ca = '${authority.root}' },`,
  "the certificate's fingerprint": `tls = { pin = '${issued.fingerprint}' },`,
};

for (const [what, words] of Object.entries(trusting)) {
  it(`${what} will do; nothing is said but over TLS [UP-17]`, async () => {
    const seen = await lab.capture("wan", `host 10.8.0.53 and host ${primaryAddress}`);
    await named({ tls });
    const daemon = await discd({ update: `transport = 'tls', ${words}` });
    await printer("ava1", "Laser");
    await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
    expect(await portsIn(seen)).toEqual([853]);
    expect(daemon.log.join("\n")).toContain('"transport":"tls"');
    await seen.stop();
  });
}

const distrusting = {
  "another pin": [
    `tls = { pin = 'sha256/${"A".repeat(43)}=' },`,
    /none of those given by update\.tls\.pin/,
  ],
  "another name": [
    `tls = { name = 'ns2.link1.discd.test', ca = '${authority.root}' },`,
    /names ns1\.link1\.discd\.test, and not ns2\.link1\.discd\.test/,
  ],
  "an authority nobody knows": [
    `tls = { name = '${host}' },`,
    /authority that is not trusted here \(update\.tls\.ca\); .*update\.tls\.pin = 'sha256\//,
  ],
} as const;

for (const [what, [words, told]] of Object.entries(distrusting)) {
  it(`${what}: told in words, and not a byte is said, not even in the clear [UP-17]`, async () => {
    const seen = await lab.capture("wan", `host 10.8.0.53 and host ${primaryAddress}`);
    const primary = await named({ tls });
    const daemon = await discd({ update: `transport = 'tls', ${words}` });
    await printer("ava1", "Laser");
    await until("it is told", () => daemon.log.some((line) => told.test(line)), 20_000);
    // And when it is tried again.
    const reads = () => daemon.log.filter((line) => told.test(line)).length;
    await until("it is tried again", async () => reads() > 0 && (await portsIn(seen)).length > 0);
    expect(await portsIn(seen)).toEqual([853]);
    expect(primary.stderrLines.join("\n")).not.toContain("updating zone");
    expect(lists(lab, "Laser._ipp._tcp")).toBe(false);
    await seen.stop();
  });
}

it("a server without TLS is not spoken to in the clear [UP-17]", async () => {
  const seen = await lab.capture("wan", `host 10.8.0.53 and host ${primaryAddress}`);
  await named();
  const daemon = await discd({ update: `transport = 'tls', tls = { name = '${host}' },` });
  await printer("ava1", "Laser");
  await until("it is told", () => daemon.log.some((line) => /nothing listens there/.test(line)));
  expect(await portsIn(seen)).toEqual([853]);
  expect(lists(lab, "Laser._ipp._tcp")).toBe(false);
  await seen.stop();
});
