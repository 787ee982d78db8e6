// Resident memory of 10,000 idle subscribers over TLS, everything counted that
// the process has, against a bare node:tls server with as many connections.

import { setTimeout as sleep } from "node:timers/promises";
import type { Row } from "./row.js";
import { clients, type Part, residentBytes, Stage, server, zone } from "./stage.js";

const many = 10_000;
const relayPort = 8853;
const link = "10.1.0.1";
const type = "_ipp._tcp";

interface Each {
  /** Kilobytes for each, when all have subscribed, and when all have heard of a change. */
  readonly opened: number;
  readonly told: number;
}

/** @param target  where an announcement goes that all of them hear of */
async function each(
  stage: Stage,
  pid: number,
  device: Part,
  port: number,
  target: string,
): Promise<Each> {
  const part = await stage.role("cli", "subscribers", server, port, ...clients);
  await part.next();
  // One apart, so that what is loaded with the first is not shared out.
  await part.do(`open 1 ${type}.${zone}`);
  await sleep(2000);
  const before = residentBytes(pid);
  const kilobytes = () => (residentBytes(pid) - before) / many / 1024;
  await part.do(`open ${many} ${type}.${zone}`, 300_000);
  await sleep(5000);
  const opened = kilobytes();
  await part.do("hear");
  await device.do(`say ${target} 1 ${type}`);
  await part.next();
  await sleep(5000);
  const told = kilobytes();
  await part.child.stop("SIGKILL");
  return { opened, told };
}

const show = ({ opened, told }: Each) =>
  `${opened.toFixed(1)} KB, ${told.toFixed(1)} KB after a change`;

export async function idleSubscribers(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    const more = "certificate = 'self-signed'\nlimits = { connections_per_client = 2000 }\n";
    const discd = await stage.discd(more);
    const ours = await each(stage, discd.pid, device, 853, "224.0.0.251 5353");
    await discd.stop("SIGKILL");
    const relay = await stage.reference("px", "relay", server, relayPort, link, 60);
    await relay.next();
    const bare = await each(stage, relay.child.pid, device, relayPort, `${link} ${relayPort}`);
    return [
      {
        what: `resident memory of each of ${many} idle subscribers over TLS`,
        value: `${show(ours)}; bare TLS ${show(bare)}; ratio ${(ours.told / bare.told).toFixed(2)}`,
        promise: "at most 45 KB",
        isKept: Math.max(ours.opened, ours.told) <= 45,
      },
    ];
  } finally {
    await stage.end();
  }
}
