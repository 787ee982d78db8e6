// The `port` table: what its keys are when they are not written, and which of
// them cannot be the same. Cleartext and TLS never share a port, and DNS over TLS
// is never on 53 (RFC 7858 §3.1).

import type { Where } from "./report.js";
import type { Written } from "./schema.js";

/** False: nothing listens. LLQ is UDP and TCP; push and tls may be one. */
export interface Ports {
  readonly udp: number | false;
  readonly tcp: number | false;
  readonly tls: number | false;
  readonly llq: number | false;
  readonly push: number | false;
}

type PortName = keyof Ports;

/** RFC 1035 §4.2, RFC 7858 §3.1; LLQ and Push as registered or used by custom. */
const defaultPorts: Ports = { udp: 53, tcp: 53, tls: 853, llq: 5352, push: 853 };

const portNames = Object.keys(defaultPorts) as readonly PortName[];

const secure: readonly PortName[] = ["tls", "push"];
const cleartext: readonly PortName[] = ["tcp", "llq"];

/** Those that are open for TCP. */
export const streamPorts: readonly PortName[] = [...cleartext, ...secure];

/** Those that are open for UDP. */
const datagrams: readonly PortName[] = ["udp", "llq"];

/** The port of cleartext DNS. */
const dnsPort = 53;
/** That of multicast DNS, where it listens on every interface of the host. */
const multicastPort = 5353;

export function portsOf({ port }: Pick<Written, "port">): Ports {
  const pairs = portNames.map((name) => [name, port?.[name] ?? defaultPorts[name]]);
  return Object.fromEntries(pairs) as unknown as Ports;
}

export const unwrittenPorts = ({ port }: Pick<Written, "port">): readonly PortName[] =>
  portNames.filter((name) => port?.[name] === undefined);

/** Reports ports that cannot be used together. */
export function checkPorts(ports: Ports, at: (path: string) => Where): void {
  for (const name of secure) {
    const where = at(`port.${name}`);
    const same = cleartext.find((other) => ports[name] !== false && ports[other] === ports[name]);
    if (ports[name] === dnsPort) {
      where.report.problem(where, "53 is for DNS without TLS; 853 is the port for this");
    } else if (same !== undefined) {
      const text = `${ports[name]} is the port of ${same} as well, which is not TLS; set another`;
      where.report.problem(where, text);
    }
  }
  for (const name of datagrams) {
    if (ports[name] !== multicastPort) continue;
    const where = at(`port.${name}`);
    const text = "5353 is the port of multicast DNS, whose packets would arrive here as well";
    where.report.warning(where, `${text}; take another`);
  }
  if (ports.udp === false && ports.tcp === false) {
    const where = at("port");
    where.report.warning(where, "udp and tcp are both false: ordinary queries will not arrive");
  }
}
