// Which sockets the `port` table asks for: what each port is for, where default
// ports move, and what the metadata SRV records may then name. LLQ is spoken on
// UDP and TCP; Push and DNS over TLS share a listener where their ports are equal.

import type { OpenPorts } from "../proxy/offers.js";

export type PortName = "udp" | "tcp" | "tls" | "llq" | "push";

export type Ports = Readonly<Record<PortName, number | false>>;

export type Transport = "udp" | "tcp" | "tls";

/** What is opened at each local address. */
export interface WantedPort {
  readonly transport: Transport;
  readonly port: number;
  /** What it is for. */
  readonly names: readonly PortName[];
}

/** A port that something listens on, as it was wanted and as the kernel gave it. */
export interface OpenPort extends WantedPort {
  readonly bound: number;
}

const transports: Readonly<Record<PortName, readonly Transport[]>> = {
  udp: ["udp"],
  tcp: ["tcp"],
  tls: ["tls"],
  llq: ["udp", "tcp"],
  push: ["tls"],
};

export const portNames = Object.keys(transports) as readonly PortName[];

/** Where default ports move without the right to bind 53 or 853. */
const movedPorts: Readonly<Record<PortName, number>> = {
  udp: 5300,
  tcp: 5300,
  tls: 8853,
  llq: 53_520,
  push: 8853,
};

/** @param movable those that nobody wrote down */
export function movePorts(ports: Ports, movable: readonly PortName[]): Ports {
  const moved = movable.filter((name) => ports[name] !== false);
  return { ...ports, ...Object.fromEntries(moved.map((name) => [name, movedPorts[name]])) };
}

/** @param hasTls whether there is a certificate to listen with */
export function wantedPorts(ports: Ports, hasTls: boolean): readonly WantedPort[] {
  const wanted = new Map<string, { transport: Transport; port: number; names: PortName[] }>();
  for (const name of portNames) {
    const port = ports[name];
    if (port === false) continue;
    for (const transport of transports[name]) {
      if (transport === "tls" && !hasTls) continue;
      const key = `${transport} ${port}`;
      const one = wanted.get(key) ?? { transport, port, names: [] };
      one.names.push(name);
      wanted.set(key, one);
    }
  }
  return [...wanted.values()];
}

/** What SRV records may name: a port counts when some address listens on it. */
export function openPorts(open: readonly OpenPort[], ports: Ports): OpenPorts {
  const find = (transport: Transport, name: PortName) =>
    open.find((one) => one.transport === transport && one.names.includes(name))?.bound;
  const push = find("tls", "push");
  const llqUdp = find("udp", "llq");
  const llqTcp = find("tcp", "llq");
  const llqTls = ports.llq === false ? undefined : find("tls", "tls");
  return {
    ...(push === undefined ? {} : { push }),
    ...(llqUdp === undefined ? {} : { llqUdp }),
    ...(llqTcp === undefined ? {} : { llqTcp }),
    ...(llqTls === undefined ? {} : { llqTls }),
  };
}
