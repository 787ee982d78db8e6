// What the tests of sessions, Push, LLQ and TLS share: discd for the zone of the
// specification's examples, a scripted device, captures, and raw peers.

import type { Capture } from "./capture.js";
import type { DnsClient } from "./clients.js";
import type { Daemon } from "./daemon.js";
import type { Device } from "./device.js";
import { type Lab, laboratory } from "./lab.js";
import { type PeerOptions, WirePeer } from "./wire-peer.js";

/** The zone of the examples, on net1. */
export const Z = "lab.example.com";
/** The zone of net2. */
export const Z2 = "floor2.example.com";

/** Both links, and a certificate for the names of the host and the zones. */
export const sessionLinks = `
interfaces = {
  { name = 'net1', subdomain = 'lab.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com' },
  { name = 'uplink', disable = true },
}
`;
export const selfSigned = "certificate = 'self-signed'";

export interface StagePeerOptions extends PeerOptions {
  /** Where the proxy listens: 853, or 53 with `isClear`. */
  readonly port?: number;
  /** The proxy's address; default `Lab.server`. */
  readonly host?: string;
  /** Where the peer is; default `cli`. */
  readonly node?: string;
}

export interface SessionStage {
  lab: Lab;
  discd: Daemon;
  /** UDP. */
  client: DnsClient;
  dev1: Device;
  dev2: Device;
  ear1: Capture;
  /** Hardware address of the proxy host on net1. */
  mac1: string;
  /** A peer at the proxy's TLS port, or with `isClear` at its TCP port. */
  peer(options?: StagePeerOptions): Promise<WirePeer>;
}

/** Builds the stage before the first test of a file and takes it down after the last. */
export function sessionStage(
  config = `${selfSigned}\n${sessionLinks}`,
  more: (lab: Lab) => Promise<void> = async () => {},
): SessionStage {
  const built = {
    async peer({ port, host = built.lab.server, node = "cli", ...options } = {}) {
      const at = port ?? (options.isClear ? 53 : 853);
      const agent = await built.lab.agent(node);
      return WirePeer.open(agent, host, at, options);
    },
  } as SessionStage;
  laboratory(async (lab) => {
    built.lab = lab;
    built.mac1 = lab.mac("px", "net1");
    [built.dev1, built.dev2, built.ear1] = await Promise.all([
      lab.device("dev1", "net1"),
      lab.device("dev2", "net2"),
      lab.capture("net1"),
    ]);
    built.discd = await lab.discd(config, { apex: Z });
    built.client = await lab.client();
    await more(lab);
  });
  return built;
}

/** The same daemon once more in the proxy's namespace, on ports of its own. */
export function secondDaemon(lab: Lab, port: number, config: string): Promise<Daemon> {
  const ports = `port = { udp = ${port}, tcp = ${port}, tls = ${port + 1}, push = ${port + 1}`;
  return lab.discd(`${ports}, llq = false }\n${selfSigned}\n${config}`, { port, apex: Z });
}
