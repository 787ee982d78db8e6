// An engine for tests of the driver, which does as the test says, and what the
// driver is told to run.

import { type Endpoint, parseAddress, parsePrefix } from "../../src/address.js";
import type { EngineConfig, LinkConfig } from "../../src/engine/config.js";
import type { Effect, Input } from "../../src/engine/io.js";
import { defaultLimits } from "../../src/limits.js";
import type { DriverSettings } from "../../src/os/driver.js";
import type { PresentInterface } from "../../src/os/interfaces.js";
import type { ProxyOptions } from "../../src/proxy/options.js";
import type { Instant } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";

export const lo: PresentInterface = {
  name: "lo",
  index: 1,
  addresses: [parsePrefix("127.0.0.1/8")!],
  mtu: 65_536,
  isUp: true,
  isLoopback: true,
  canMulticast: false,
};

const hostname = parseName("px.campus.example");

export const settings: DriverSettings = {
  engine: {
    proxy: { hostname, links: [], zones: [] } as unknown as ProxyOptions,
    links: [] as readonly LinkConfig[],
  } as EngineConfig,
  listen: "all",
  ports: { udp: 0, tcp: 0, tls: false, llq: false, push: false },
  defaultPorts: [],
  limits: defaultLimits,
  links: [],
};

export const at = (text: string): Endpoint => ({ address: parseAddress(text)!, port: 5353 });

/** Answers by a table, keeps what it was told, and has the deadlines that the test sets. */
export class ScriptedEngine {
  readonly told: { now: Instant; input: Input }[] = [];
  /** What it was told of the wall clock, first of all. */
  readonly origins: number[] = [];
  readonly trusts: boolean[] = [];
  answer: (input: Input) => readonly Effect[] = () => [];
  next: Instant | undefined;
  isWithdrawing = false;

  handle(when: Instant, input: Input): readonly Effect[] {
    if (input.kind === "wall-clock") {
      this.origins.push(input.origin);
      this.trusts.push(input.isTrusted);
      return [];
    }
    this.told.push({ now: when, input });
    return this.answer(input);
  }

  nextDeadline(): Instant | undefined {
    return this.next;
  }

  kinds(): string[] {
    return this.told.map(({ input }) => input.kind);
  }
}
