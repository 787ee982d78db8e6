// Which protocols of long-lived questions are offered, and where: what the
// metadata SRV records of every zone say (RFC 8766 §6.4; RFC 8765 §6.1;
// RFC 8764 §4). Only what is listened to is offered.

/** Ports on which something listens; absent: nothing does. */
export interface OpenPorts {
  readonly push?: number;
  readonly llqUdp?: number;
  readonly llqTcp?: number;
  readonly llqTls?: number;
}

/** What stands before the zone in the name of each SRV record. */
const names = {
  push: "_dns-push-tls._tcp",
  llqUdp: "_dns-llq._udp",
  llqTcp: "_dns-llq._tcp",
  llqTls: "_dns-llq-tls._tcp",
} as const satisfies Readonly<Record<keyof OpenPorts, string>>;

export const offerNames: readonly string[] = Object.values(names);

/** The value for `ProxyOptions.offers`. */
export function offersOf(open: OpenPorts): ReadonlyMap<string, number> {
  const protocols = Object.keys(names) as (keyof OpenPorts)[];
  return new Map(
    protocols.flatMap((protocol) => {
      const port = open[protocol];
      return port === undefined ? [] : [[names[protocol], port] as const];
    }),
  );
}
