// The sockets of the links named, and probes through them, as a program of its own:
// `node scripts/run.mjs test/netns/probe-server.ts LINK…` writes what the probes say
// every half second, one JSON list a line.

import { type PresentInterface, readInterfaces } from "../../src/os/interfaces.js";
import { LinkProbes } from "../../src/os/link-probes.js";
import { type MulticastSocket, openMulticast } from "../../src/os/multicast.js";
import { loadNative } from "../../src/os/native.js";
import { systemRandom } from "../../src/os/random.js";

process.stdout.write(`pid ${process.pid}\n`);
const names = process.argv.slice(2);
const loaded = await loadNative();
const native = "reason" in loaded ? undefined : loaded;
if (native === undefined) throw new Error("no native library");
const random = systemRandom();
const probes = new LinkProbes(native, () => random.uint32());
const families = ["ipv4", "ipv6"] as const;

const present = () =>
  readInterfaces((name) => native.findInterface(name)).filter((one) => names.includes(one.name));

/** Datagrams that were not ours. */
let others = 0;
const sockets: MulticastSocket[] = [];

async function open(device: PresentInterface): Promise<void> {
  for (const family of families) {
    const socket = await openMulticast(family, device, native, {
      received: (_, __, bytes) => {
        if (!probes.take(device.name, family, bytes)) others += 1;
      },
      notSent: () => {},
      failed: () => {},
    });
    sockets.push(socket);
  }
}

const devices = present();
for (const device of devices) await open(device);
process.on("SIGUSR2", () => sockets[0]?.close());
process.on("SIGTERM", () => process.exit(0));
setInterval(async () => {
  const now = new Map(present().map((one) => [one.name, one]));
  await probes.round(devices.map((one) => ({ device: now.get(one.name) ?? one, families })));
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ others, states: probes.states })}\n`);
  }, 100);
}, 500);
