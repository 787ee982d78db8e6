// What a publisher is told, and what it tells of itself: plain values, made by
// whoever knows the configuration.

import type { UpdateTally } from "../tally.js";
import type { Instant } from "../time.js";
import type { Name } from "../wire/name.js";
import type { TsigKey } from "../wire/tsig.js";
import type { Lifetime } from "./lifetime.js";

export interface Clock {
  /** Seconds since 1970 at an instant. */
  secondsAt(now: Instant): number;
  /** Whether absolute times may be written (TO-8). */
  isTrusted(): boolean;
}

export interface PublisherSettings {
  /** Apex of the zone that is updated. */
  readonly zone: Name;
  /** Undefined only where updates without proof are allowed expressly (UP-19). */
  readonly key: TsigKey | undefined;
  readonly clock: Clock;
  /** Undefined: whatever the server turns out to be good for. */
  readonly lifetime: Lifetime | undefined;
  readonly timeoutType: number;
  readonly recordsMax: number;
  /** Outlives the publisher: what is counted never becomes less. */
  readonly tally: UpdateTally;
}

/** What may become another while a zone is kept. */
export type PublisherChanges = Pick<PublisherSettings, "key" | "lifetime" | "recordsMax">;

/** For listings. */
export interface PublisherState {
  readonly wanted: number;
  readonly published: number;
  readonly waiting: number;
  readonly aside: number;
  readonly serial: number | undefined;
  readonly lifetime: Lifetime;
  /** Why nothing is said at the moment. */
  readonly trouble: string | undefined;
  /** Server's clock less ours, seconds, when it was told last. */
  readonly clockOffset: number | undefined;
}
