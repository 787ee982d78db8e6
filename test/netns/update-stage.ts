// Real primaries and the publisher's core beside each other: the servers in a
// namespace, and a driver that gives the core a socket, the time and nothing else.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Counts } from "../../src/counts.js";
import type { Log } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { UpdateTally } from "../../src/tally.js";
import { type Instant, instant } from "../../src/time.js";
import type { Offer } from "../../src/update/offer.js";
import { Publisher } from "../../src/update/publisher.js";
import type { PublisherSettings } from "../../src/update/settings.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import type { TsigKey } from "../../src/wire/tsig.js";
import { linesOf } from "../update/zone-stage.js";
import { Child, run, until } from "./children.js";
import {
  keyName,
  type NameServer,
  nextKeyName,
  nextSecretText,
  type Place,
  secretText,
} from "./primaries.js";
import { Topology } from "./topology.js";

export const updateKey: TsigKey = {
  name: parseName(keyName),
  algorithm: "hmac-sha256",
  secret: Buffer.from(secretText, "base64"),
};

/** The key that every server knows besides. */
export const nextKey: TsigKey = {
  name: parseName(nextKeyName),
  algorithm: "hmac-sha256",
  secret: Buffer.from(nextSecretText, "base64"),
};

const relay = fileURLToPath(new URL("relay.mjs", import.meta.url));
const address = "127.0.0.1";
const ports = [53531, 53532, 53533, 53534] as const;

/** Types that an inventory publishes. */
const published = /^\S+ \d+ (A|AAAA|PTR|SRV|TXT) /;

/** One namespace with servers in it. */
export class Site {
  readonly #topology = new Topology("");
  readonly #folder = mkdtempSync(join(tmpdir(), "discd-update-"));
  readonly #endings: (() => Promise<void> | void)[] = [];
  #count = 0;

  static async open(): Promise<Site> {
    const site = new Site();
    site.#topology.addNode("srv");
    const sockets = join(site.#folder, "sockets");
    mkdirSync(sockets);
    const argv = [...site.enter, process.execPath, relay, sockets, address, ...ports.map(String)];
    const child = site.keep(new Child(argv));
    for (const port of ports) await child.says(new RegExp(`^${port}$`));
    return site;
  }

  get enter(): string[] {
    return this.#topology.enter("srv");
  }

  /** Where the next server runs: each on the specification's port for its kind. */
  place(port: (typeof ports)[number]): Place {
    this.#count += 1;
    const folder = join(this.#folder, `server${this.#count}`);
    return { enter: this.enter, folder, address, port };
  }

  keep<T extends { stop(): Promise<void> }>(thing: T): T {
    this.#endings.push(() => thing.stop());
    return thing;
  }

  publisher(server: NameServer, options: LiveOptions = {}): LivePublisher {
    const path = join(this.#folder, "sockets", `${server.place.port}`);
    const made = new LivePublisher(path, server.zone, options);
    this.#endings.push(() => void made.end());
    return made;
  }

  dig(server: NameServer, ...words: readonly string[]): string {
    return run([
      ...this.enter,
      ...["dig", `@${address}`, "-p", `${server.place.port}`, "+norec", ...words],
    ]);
  }

  /** The zone as linesOf writes it: what the server itself and nobody's fixture put there. */
  published(server: NameServer, algorithm = "hmac-sha256"): string[] {
    return this.transfer(server, algorithm).filter(
      (line) => published.test(line) && !/^(ns1|keep|srp)\./.test(line),
    );
  }

  /** All of the zone, sorted, `owner TTL type rdata`. */
  transfer(server: NameServer, algorithm = "hmac-sha256"): string[] {
    const key = `${algorithm}:${keyName}:${secretText}`;
    const words = ["-y", key, server.zone, "AXFR", "+noall", "+answer", "+onesoa"];
    return this.dig(server, ...words)
      .split("\n")
      .map((line) => line.replace(/\s+/g, " ").trim().replace(" IN ", " "))
      .filter((line) => line !== "")
      .sort();
  }

  /** Waits until the server answers for its zone. */
  async isAnswered(server: NameServer): Promise<void> {
    const words = ["+time=1", "+tries=1", "+tcp", "+short", server.zone, "SOA"];
    const isSo = () => {
      try {
        return this.dig(server, ...words).includes("hostmaster");
      } catch {
        return false;
      }
    };
    await until(`an answer for ${server.zone}`, isSo, 20_000);
  }

  /** Waits until the zone holds what is offered, and nothing else that anybody publishes. */
  async isThere(server: NameServer, offers: readonly Offer[], algorithm?: string): Promise<void> {
    await this.isThereBesides(server, offers, /^$/, algorithm);
  }

  /** The same, but for lines of others. */
  async isThereBesides(
    server: NameServer,
    offers: readonly Offer[],
    others: RegExp,
    algorithm?: string,
  ): Promise<void> {
    // Knot and PowerDNS keep names in lower case.
    const wanted = linesOf(...offers).map((line) => line.toLowerCase());
    let last: string[] = [];
    const isSo = () => {
      last = this.published(server, algorithm)
        .filter((line) => !others.test(line))
        .map((line) => line.toLowerCase());
      return last.sort().join("\n") === wanted.sort().join("\n");
    };
    await until("the zone is as the link is", isSo, 30_000, 250).catch((error) => {
      throw new Error(`${error}\n${last.join("\n")}\n-- wanted --\n${wanted.join("\n")}`);
    });
  }

  serial(server: NameServer): number {
    return Number(this.dig(server, "+short", server.zone, "SOA").split(" ")[2]);
  }

  /** Sends a frame as it is. @returns the rcode of the answer */
  replay(server: NameServer, frame: Uint8Array): Promise<number> {
    const socket = connect(join(this.#folder, "sockets", `${server.place.port}`));
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("closed without an answer")));
      socket.on("data", (bytes) => {
        resolve(bytes.readUInt8(5) & 15);
        socket.destroy();
      });
      socket.write(frame);
    });
  }

  /** nsupdate as somebody else. @returns the rcode in words, NOERROR when it was carried out */
  nsupdate(
    server: NameServer,
    lines: readonly string[],
    key = `hmac-sha256:${keyName}:${secretText}`,
  ): string {
    const head = [`server ${address} ${server.place.port}`, `zone ${server.zone}`];
    const argv = [...this.enter, "nsupdate", "-v", "-y", key];
    const input = [...head, ...lines, "send", ""].join("\n");
    const done = spawnSync(argv[0] as string, argv.slice(1), { encoding: "utf8", input });
    const said = `${done.stdout}${done.stderr}`;
    if (done.status === 0) return "NOERROR";
    return /update failed: (\w+)/.exec(said)?.[1] ?? said;
  }

  async close(): Promise<void> {
    for (const end of this.#endings.reverse()) await end();
    this.#topology.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface LiveOptions extends Partial<PublisherSettings> {
  readonly own?: readonly RR[];
  /** Seconds that its clock is ahead. */
  readonly skew?: number;
}

/** Runs a publisher in real time against a server. */
export class LivePublisher {
  readonly publisher: Publisher;
  readonly logged: string[] = [];
  /** Frames in the order in which they were sent. */
  readonly sent: Uint8Array[] = [];
  readonly #path: string;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(path: string, zone: string, options: LiveOptions) {
    const { own = [], skew = 0, ...settings } = options;
    this.#path = path;
    const log: Log = {
      event: (_, name, fields) => this.logged.push(`${name} ${JSON.stringify(fields ?? {})}`),
    };
    const wall = Date.now() / 1000 - performance.now() / 1000 + skew;
    this.publisher = new Publisher(
      {
        zone: parseName(zone),
        key: updateKey,
        clock: { secondsAt: (now: Instant) => wall + now / 1000, isTrusted: () => true },
        lifetime: "timeout",
        timeoutType: 65280,
        recordsMax: 20_000,
        tally: new UpdateTally(),
        ...settings,
      },
      seededRandom(Date.now()),
      new Counts(),
      log,
    );
    this.publisher.restore(own);
    this.publisher.start(this.#now());
    this.#drain();
  }

  /** Those of the frames that are UPDATEs. */
  get updates(): readonly Uint8Array[] {
    return this.sent.filter((frame) => ((frame[4] as number) & 0x78) === 0x28);
  }

  offer(...offers: readonly Offer[]): void {
    for (const offer of offers) this.publisher.offer(this.#now(), offer);
    this.#drain();
  }

  configure(key: TsigKey): void {
    const changes = { key, lifetime: "timeout", recordsMax: 20_000 } as const;
    this.publisher.configure(this.#now(), changes);
    this.#drain();
  }

  /** Waits for words in its log. */
  async tells(words: string | RegExp, limit = 40_000): Promise<void> {
    const isSo = (line: string) =>
      typeof words === "string" ? line.includes(words) : words.test(line);
    await until(`${words} in the log`, () => this.logged.some(isSo), limit).catch((error) => {
      throw new Error(`${error}\n${this.logged.slice(-20).join("\n")}`);
    });
  }

  /** Waits until nothing is left to be said. */
  async settles(): Promise<void> {
    await until("settled", () => this.publisher.isSettled, 30_000);
  }

  /** As killed: nothing more is said. @returns what its state file would hold */
  end(): readonly RR[] {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    return [...this.publisher.own()];
  }

  #now(): Instant {
    return instant(performance.now());
  }

  #drain(): void {
    if (this.#isEnded) return;
    for (const effect of this.publisher.takeEffects()) {
      if (effect.kind === "open") this.#open();
      else if (effect.kind === "write") {
        this.sent.push(effect.bytes);
        this.#socket?.write(effect.bytes);
      } else {
        this.#socket?.destroy();
        this.#socket = undefined;
      }
    }
    clearTimeout(this.#timer);
    const next = this.publisher.nextDeadline();
    if (next === undefined) return;
    const wait = Math.max(1, Math.ceil(next - this.#now()));
    this.#timer = setTimeout(() => {
      this.publisher.expire(this.#now());
      this.#drain();
    }, wait);
  }

  #open(): void {
    const socket = connect(this.#path);
    this.#socket = socket;
    const tell = (act: () => void) => {
      if (this.#socket !== socket || this.#isEnded) return;
      act();
      this.#drain();
    };
    socket.on("connect", () => tell(() => this.publisher.opened(this.#now())));
    socket.on("data", (bytes) => tell(() => this.publisher.received(this.#now(), bytes)));
    socket.on("error", () => {});
    socket.on("close", () => tell(() => this.publisher.closed(this.#now(), "connection closed")));
  }
}
