// Resident memory of 10,000 idle subscribers over TLS, everything counted that
// the process has, against a bare node:tls server with as many connections.

import { setTimeout as sleep } from "node:timers/promises";
import type { Row } from "./row.js";
import { clients, residentBytes, Stage, server, zone } from "./stage.js";

const many = 10_000;
const relayPort = 8853;

/** Kilobytes for each of them. */
async function each(stage: Stage, pid: number, port: number): Promise<number> {
  const part = await stage.role("cli", "subscribers", server, port, ...clients);
  await part.next();
  // One apart, so that what is loaded with the first is not shared out.
  await part.do(`open 1 _ipp._tcp.${zone}`);
  await sleep(2000);
  const before = residentBytes(pid);
  await part.do(`open ${many} _ipp._tcp.${zone}`, 300_000);
  await sleep(5000);
  const after = residentBytes(pid);
  await part.child.stop("SIGKILL");
  return (after - before) / many / 1024;
}

export async function idleSubscribers(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const more = "certificate = 'self-signed'\nlimits = { connections_per_client = 2000 }\n";
    const discd = await stage.discd(more);
    const ours = await each(stage, discd.pid, 853);
    await discd.stop("SIGKILL");
    const relay = await stage.reference("px", "relay", server, relayPort, "10.1.0.1", 60);
    await relay.next();
    const bare = await each(stage, relay.child.pid, relayPort);
    return [
      {
        what: `resident memory of each of ${many} idle subscribers over TLS`,
        value: `${ours.toFixed(1)} KB; bare TLS ${bare.toFixed(1)} KB, ratio ${(ours / bare).toFixed(2)}`,
        promise: "at most 45 KB",
        isKept: ours <= 45,
      },
    ];
  } finally {
    await stage.end();
  }
}
