// A real primary and the publisher's core beside each other: named with the
// specification's fixture on a port of loopback, and a driver that gives the core
// a socket, the time and nothing else.

import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Counts } from "../../src/counts.js";
import type { Log } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { type Instant, instant } from "../../src/time.js";
import type { Offer } from "../../src/update/offer.js";
import { Publisher } from "../../src/update/publisher.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import type { TsigKey } from "../../src/wire/tsig.js";
import { Child } from "./children.js";

export const updateZone = "link1.discd.test";
export const secretText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
export const updateKey: TsigKey = {
  name: parseName("discd-link1.example"),
  algorithm: "hmac-sha256",
  secret: Buffer.from(secretText, "base64"),
};

export interface PrimaryOptions {
  readonly algorithm?: string;
  /** Further lines of the zone's block. */
  readonly zoneLines?: readonly string[];
}

/** named as the primary of the zone, which it signs itself. */
export async function startPrimary(
  folder: string,
  port: number,
  { algorithm = "hmac-sha256", zoneLines = ["check-names ignore;"] }: PrimaryOptions = {},
): Promise<Child> {
  mkdirSync(folder, { recursive: true });
  const zone = [
    "$TTL 120",
    "@ SOA ns1 hostmaster 1 3600 600 604800 10",
    "@ NS ns1",
    "ns1 A 127.0.0.1",
    "keep A 192.0.2.77",
  ];
  writeFileSync(join(folder, "link1.db"), `${zone.join("\n")}\n`);
  const lines = [
    `key "discd-link1.example." { algorithm ${algorithm}; secret "${secretText}"; };`,
    "options {",
    `  directory "${folder}"; pid-file none; session-keyfile none;`,
    `  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };`,
    "  recursion no; dnssec-validation no; notify no;",
    "  allow-transfer { key discd-link1.example.; };",
    "};",
    "controls { };",
    'dnssec-policy "discd" { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; };',
    `zone "${updateZone}" {`,
    '  type primary; file "link1.db"; inline-signing no; dnssec-policy "discd";',
    "  update-policy {",
    `    deny discd-link1.example. name ns1.${updateZone}. ANY;`,
    `    deny discd-link1.example. name keep.${updateZone}. ANY;`,
    "    grant discd-link1.example. zonesub A AAAA PTR SRV TXT TYPE65280;",
    "  };",
    ...zoneLines.map((line) => `  ${line}`),
    "};",
    "",
  ];
  writeFileSync(join(folder, "named.conf"), lines.join("\n"));
  const child = new Child(["named", "-g", "-n", "1", "-c", join(folder, "named.conf")]);
  await child.says(/ running$/);
  return child;
}

/** Runs a publisher in real time against a port of loopback. */
export class LivePublisher {
  readonly publisher: Publisher;
  readonly logged: string[] = [];
  readonly #port: number;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(port: number, key: TsigKey = updateKey, own: readonly RR[] = []) {
    this.#port = port;
    const log: Log = {
      event: (_, name, fields) => this.logged.push(`${name} ${JSON.stringify(fields ?? {})}`),
    };
    const wall = Date.now() / 1000 - performance.now() / 1000;
    this.publisher = new Publisher(
      {
        zone: parseName(updateZone),
        key,
        clock: { secondsAt: (now: Instant) => wall + now / 1000, isTrusted: () => true },
        lifetime: "timeout",
        timeoutType: 65280,
        recordsMax: 20_000,
      },
      seededRandom(Date.now()),
      new Counts(),
      log,
    );
    this.publisher.restore(own);
    this.publisher.start(this.#now());
    this.#drain();
  }

  offer(...offers: readonly Offer[]): void {
    for (const offer of offers) this.publisher.offer(this.#now(), offer);
    this.#drain();
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
      else if (effect.kind === "write") this.#socket?.write(effect.bytes);
      else {
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
    const socket = connect(this.#port, "127.0.0.1");
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket && !this.#isEnded;
    const tell = (act: () => void) => {
      if (!isCurrent()) return;
      act();
      this.#drain();
    };
    socket.on("connect", () => tell(() => this.publisher.opened(this.#now())));
    socket.on("data", (bytes) => tell(() => this.publisher.received(this.#now(), bytes)));
    socket.on("error", () => {});
    socket.on("close", () => tell(() => this.publisher.closed(this.#now(), "connection closed")));
  }
}
