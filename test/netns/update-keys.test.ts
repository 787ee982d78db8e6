// Keys that sign updates, from discd.lua and from files beside it, against named:
// every algorithm, and a key that is exchanged while devices come and go.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { run, until } from "./children.js";
import { Daemon } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import {
  keyName,
  type NameServer,
  nextKeyName,
  nextSecretText,
  secretText,
  startBindPrimary,
} from "./primaries.js";
import { primaryAddress, updateZone } from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig");
const site = `
  wan:  px   10.8.0.53/24
      | ns1  ${primaryAddress}/24
  net1: px   10.1.0.1/24
      | ava1 10.1.0.2/24
      | ava2 10.1.0.3/24
`;

let lab: Lab;
const ending: { stop(): Promise<void> }[] = [];

laboratory(
  async (built) => {
    lab = built;
  },
  () => new Lab(site, {}),
);

afterEach(async () => {
  for (const one of ending.splice(0).reverse()) await one.stop();
});

const fresh = () => mkdtempSync(join(tmpdir(), "discd-keys-"));

async function named(algorithm?: string): Promise<NameServer> {
  const place = { enter: lab.enter("ns1"), folder: fresh(), address: primaryAddress, port: 53 };
  const options = { zone: updateZone, ...(algorithm === undefined ? {} : { algorithm }) };
  const server = await startBindPrimary(place, options);
  ending.push(server);
  return server;
}

const config = (key: string) => `
interfaces = {
  { name = 'net1', mode = 'update', subdomain = '${updateZone}' },
  { name = 'wan', disable = true },
}
update = { server = '${primaryAddress}', zone = '${updateZone}', key = ${key}, state = '${fresh()}',
  trust_clock = true }`;

/** discd in px. */
function launch(key: string): Daemon {
  const daemon = lab.keep(Daemon.launch(lab.enter("px"), config(key)));
  ending.push(daemon);
  return daemon;
}

async function printer(node: string, name: string): Promise<void> {
  const services = [{ name, type: "_ipp._tcp", port: 631, txt: ["rp=print"] }];
  ending.push(await lab.avahi(node, { host: `host-${node}`, services, ipv6: false }));
}

function isListed(name: string): boolean {
  const words = ["dig", `@${primaryAddress}`, "+short", `_ipp._tcp.${updateZone}`, "PTR"];
  return run([...lab.enter("ns1"), ...words]).includes(`${name}._ipp._tcp.${updateZone}.`);
}

/** Names of the keys by which named was told to change something, in their order. */
const signers = (server: NameServer): readonly string[] => [
  ...new Set(
    [...server.log.matchAll(/\/key (\S+): updating zone/g)].map((found) => found[1] as string),
  ),
];

for (const algorithm of ["hmac-sha1", "hmac-sha224", "hmac-sha384", "hmac-sha512"]) {
  it(`${algorithm} from discd.lua [TSIG-6]`, async () => {
    const server = await named(algorithm);
    await printer("ava1", "Laser");
    const key = `{ name = '${keyName}', algorithm = '${algorithm}', secret = '${secretText}' }`;
    launch(key);
    await until("it is there", () => isListed("Laser"), 30_000, 200);
    await until("named has said so", () => signers(server).length > 0);
    expect(signers(server)).toEqual([keyName]);
  });
}

it("a key is exchanged by its file and SIGHUP, and no update is lost [TSIG-16]", async () => {
  const server = await named();
  const daemon = launch("{ file = 'discd.key' }");
  const path = join(dirname(daemon.file), "discd.key");
  const write = (name: string, secret: string) =>
    writeFileSync(path, `key "${name}" { algorithm hmac-sha256; secret "${secret}"; };\n`, {
      mode: 0o600,
    });
  write(keyName, secretText);
  await daemon.child.says(/"event":"started"/);
  await printer("ava1", "Laser");
  await until("the first is there", () => isListed("Laser"), 30_000, 200);
  // What comes just then is signed with one or the other.
  const second = printer("ava2", "Inkjet");
  write(nextKeyName, nextSecretText);
  await sleep(500);
  daemon.child.kill("SIGHUP");
  await daemon.child.says(/"event":"reloaded"/);
  await second;
  await until("the second is there", () => isListed("Inkjet"), 30_000, 200);
  expect(isListed("Laser")).toBe(true);
  await until("named has said so", () => signers(server).length > 1);
  expect(signers(server)).toEqual([keyName, nextKeyName]);
  expect(server.log).not.toMatch(/BADKEY|BADSIG|tsig verify failure/);
  expect(daemon.log.join("\n")).not.toMatch(/"level":"(error|fatal)"/);
});
