// A host that publishes links in mode 'update', the named that takes it, devices on
// two links: what the zone holds, and which messages it took.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Capture } from "./capture.js";
import { until } from "./children.js";
import { Daemon } from "./daemon.js";
import type { Lab } from "./lab.js";
import { flush, type Rec, rec } from "./packet.js";
import {
  type BindOptions,
  keyName,
  type NameServer,
  secretText,
  startBindPrimary,
} from "./primaries.js";

export const zone = "link1.discd.test";
export const server = "10.8.0.54";

export const drawing = `
  uplink: px 10.8.0.53/24 | dns 10.8.0.54/24
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | ava1 10.1.0.2/24 2001:db8:1::2/64
      | dev1 10.1.0.3/24 198.51.100.7/32 2001:db8:1::3/64
  net2: px   10.2.0.1/24 2001:db8:2::1/64
      | dev2 10.2.0.3/24 2001:db8:2::3/64
`;

/** Records of a service as a device announces them. */
export function service(
  instance: string,
  {
    type = "_ipp._tcp",
    host = "printer",
    address = "10.1.0.3",
    txt = ["a=b"] as readonly string[] | Uint8Array,
    port = 631,
    ttl = 120,
  } = {},
): Rec[] {
  const name = `${instance}.${type}.local`;
  return [
    rec(`${type}.local`, "PTR", 4500, name),
    flush(rec(name, "SRV", ttl, [0, 0, port, `${host}.local`])),
    flush(rec(name, "TXT", 4500, txt)),
    flush(rec(`${host}.local`, address.includes(":") ? "AAAA" : "A", ttl, address)),
  ];
}

/** The same, said by a device that goes. */
export const goodbye = (records: readonly Rec[]): Rec[] =>
  records.map((record) => ({ ...record, ttl: 0 }));

/** Messages with opcode UPDATE in what `px` has sent over TCP. */
function isUpdate(ip: Buffer): boolean {
  const tcp = ip.subarray((ip[0]! & 15) * 4, ip.readUInt16BE(2));
  if (ip[9] !== 6) return false;
  const data = tcp.subarray((tcp[12]! >> 4) * 4);
  // Length, ID, then QR and opcode: each message is written in one piece.
  return data.length > 14 && data[4]! >> 3 === 5;
}

export class Publishing {
  readonly lab: Lab;
  #capture!: Capture;
  readonly #folder = mkdtempSync(join(tmpdir(), "discd-publishing-"));
  #starts = 0;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  async open(): Promise<void> {
    // Kept first, so that it goes last.
    this.lab.keep({ stop: async () => rmSync(this.#folder, { recursive: true, force: true }) });
    this.#capture = await this.lab.capture("uplink", "tcp");
  }

  /** A named for the zone. */
  async primary(port = 53, options: Partial<BindOptions> = {}): Promise<NameServer> {
    const folder = join(this.#folder, `named${port}`);
    const place = { enter: this.lab.enter("dns"), folder, address: server, port };
    return this.lab.keep(await startBindPrimary(place, { zone, ...options }));
  }

  /**
   * Starts discd and waits until it has said its first word to the zone.
   *
   * @param update  further keys of the table of that name
   */
  async start(interfaces: string, { port = 53, update = "" } = {}): Promise<Daemon> {
    this.#starts += 1;
    const key = join(this.#folder, "discd.key");
    const text = `key "${keyName}" { algorithm hmac-sha256; secret "${secretText}"; };\n`;
    writeFileSync(key, text, { mode: 0o600 });
    const begun = Date.now();
    const daemon = Daemon.launch(
      this.lab.enter("px"),
      `interfaces = { ${interfaces} { name = 'uplink', disable = true } }
state = '${join(this.#folder, `state${this.#starts}`)}'
update = { server = '${server}', port = ${port}, zone = '${zone}', trust_clock = true,
  key = { file = '${key}' }, ${update} }`,
    );
    await until(
      "the first message",
      () => {
        if (daemon.child.exit !== undefined) throw new Error(daemon.log.slice(-20).join("\n"));
        return this.updates(begun).length > 0;
      },
      20_000,
    );
    await this.quiet();
    return daemon;
  }

  /** When each UPDATE left since a moment. */
  updates(since: number): number[] {
    const mac = this.lab.mac("px", "uplink");
    return this.#capture.frames
      .filter((one) => one.at >= since && one.mac === mac && one.family === 4)
      .filter(({ payload }) => isUpdate(payload))
      .map(({ at }) => at);
  }

  /** Waits until nothing has been sent for two seconds; the moment from which to count. */
  async quiet(): Promise<number> {
    for (;;) {
      await sleep(2000);
      if (this.updates(Date.now() - 2000).length === 0) return Date.now();
    }
  }

  /** The records of five types in the zone that are not its own: `owner ttl type rdata`. */
  records(port = 53): string[] {
    const key = `hmac-sha256:${keyName}:${secretText}`;
    const words = ["-p", `${port}`, "-y", key, zone, "AXFR", "+noall", "+answer", "+onesoa"];
    const [program = "", ...enter] = this.lab.enter("dns");
    const argv = [...enter, "dig", `@${server}`, ...words];
    return execFileSync(program, argv, { encoding: "utf8" })
      .split("\n")
      .map((line) => line.replace(/\s+/g, " ").replace(" IN ", " "))
      .filter((line) => /^\S+ \d+ (A|AAAA|PTR|SRV|TXT) /.test(line))
      .filter((line) => !/^(ns1|keep|srp|b\._dns-sd\._udp|lb\._dns-sd\._udp)\./.test(line))
      .sort();
  }

  /** Waits for records that match; those. */
  async has(pattern: RegExp, { limit = 10_000, port = 53 } = {}): Promise<string[]> {
    const found = () => this.records(port).filter((line) => pattern.test(line));
    return until(`${pattern}`, () => (found().length > 0 ? found() : undefined), limit, 100);
  }

  /** Waits until no record matches. */
  async hasNot(pattern: RegExp, limit = 10_000): Promise<void> {
    const isGone = () => !this.records().some((line) => pattern.test(line));
    await until(`no ${pattern}`, isGone, limit, 100);
  }
}

export interface Logged {
  readonly event: string;
  readonly [field: string]: unknown;
}

export const logged = ({ log }: Daemon, event: string): Logged[] =>
  log
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Logged)
    .filter((line) => line.event === event);
