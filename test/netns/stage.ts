// What most files of system tests share: discd over two links with a scripted
// device and a capture on each, and a client two hops away.

import type { Capture } from "./capture.js";
import type { DnsClient, Reply } from "./clients.js";
import type { Daemon } from "./daemon.js";
import type { Device } from "./device.js";
import { type Lab, laboratory, officeConfig } from "./lab.js";
import { plainName } from "./packet.js";
import type { SeenRecord } from "./unpack.js";

export interface Stage {
  lab: Lab;
  discd: Daemon;
  client: DnsClient;
  dev1: Device;
  dev2: Device;
  ear1: Capture;
  ear2: Capture;
  /** Hardware addresses of the proxy host on net1 and net2. */
  mac1: string;
  mac2: string;
}

/** Builds the stage before the first test of a file and takes it down after the last. */
export function stage(config: string = officeConfig): Stage {
  const built = {} as Stage;
  laboratory(async (lab) => {
    built.lab = lab;
    built.mac1 = lab.mac("px", "net1");
    built.mac2 = lab.mac("px", "net2");
    [built.dev1, built.dev2, built.ear1, built.ear2] = await Promise.all([
      lab.device("dev1", "net1"),
      lab.device("dev2", "net2"),
      lab.capture("net1"),
      lab.capture("net2"),
    ]);
    built.discd = await lab.discd(config);
    built.client = await lab.client();
  });
  return built;
}

/** Milliseconds of the wall clock, as agents and captures give them. */
export function now(): number {
  return Date.now();
}

/** NOERROR, authoritative, no answer, one SOA of the zone (DP-107, DP-108). */
export function isNodata(reply: Reply, apex: string): boolean {
  const [soa, ...others] = reply.authorities;
  return (
    reply.rcode === 0 &&
    reply.answers.length === 0 &&
    (reply.flags & 0x0400) !== 0 &&
    others.length === 0 &&
    soa?.type === 6 &&
    soa.name.toLowerCase() === plainName(apex).toLowerCase()
  );
}

/** Rdata of the records of one type. */
export function dataOf(records: readonly SeenRecord[], type: number): string[] {
  return records.filter((record) => record.type === type).map((record) => record.data);
}
