// What a server does with a message that arrives on a stream, before it is
// looked into (RFC 8490 §5, §6.6.1.1, §8): one table, of which the first line
// that fits counts. Where the RFC is silent or torn the line says OWN.

import { DsoType, EdnsOption, Opcode } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { decodeMessage, headerBytes } from "../wire/message.js";
import { type DsoMessage, dsoMessageOf, hasCounts, primaryOf } from "./messages.js";
import { isOneWayOnly, leadsOneWay, leadsRequest } from "./places.js";
import type { State } from "./states.js";

export type Reaction =
  /** A TCP reset. */
  | "abort"
  /** As if it had never come. */
  | "drop"
  /** An ordinary message: not for the session. */
  | "ordinary"
  | "one-way"
  | "formerr"
  | "typeni"
  | "keepalive"
  /** For the layer above, which answers it. */
  | "request";

/** What the table looks at. */
interface Arrival {
  readonly bytes: Uint8Array;
  readonly state: State["kind"];
  /** Undefined for what is too short, or of another opcode. */
  readonly dso: DsoMessage | undefined;
  /** -1 where there is none. */
  readonly id: number;
  readonly primary: number;
  readonly isCounting: boolean;
  readonly seen: Seen;
}

/** What a session remembers that decides about a message. */
export interface Seen {
  readonly hasSubscribed: boolean;
  readonly isInUse: (id: number) => boolean;
}

interface Line {
  /** As numbered in the specification. */
  readonly line: number;
  readonly reason: string;
  readonly fits: (arrival: Arrival) => boolean;
  readonly reaction: Reaction;
}

const none = -1;
const isOneWay = ({ id }: Arrival): boolean => id === 0;
const isUnopened = ({ state }: Arrival): boolean => state === "connected";

/** OWN: lines 1, 5 (UNSUBSCRIBE), 6, 10, 12 (subscriptions) and 15 (Padding). */
const table: readonly Line[] = [
  // Bytes that were on their way when we ended it.
  { line: 0, reason: "over", fits: ({ state }) => state === "aborted", reaction: "drop" },
  {
    line: 1,
    reason: "short",
    fits: ({ bytes }) => bytes.length < headerBytes,
    reaction: "abort",
  },
  {
    line: 2,
    reason: "leaving",
    fits: ({ state }) => state === "leaving",
    reaction: "drop",
  },
  {
    line: 3,
    reason: "keepalive-option",
    fits: ({ dso, state, bytes }) =>
      dso === undefined && state === "established" && hasKeepaliveOption(bytes),
    reaction: "abort",
  },
  {
    line: 3,
    reason: "ordinary",
    fits: ({ dso }) => dso === undefined,
    reaction: "ordinary",
  },
  {
    line: 4,
    reason: "response",
    fits: ({ dso }) => dso?.header.isResponse === true,
    reaction: "abort",
  },
  {
    // A client may cancel before it knows that it was refused (RFC 8765 §6.4.1).
    line: 5,
    reason: "early-unsubscribe",
    fits: (arrival) =>
      isOneWay(arrival) &&
      isUnopened(arrival) &&
      arrival.seen.hasSubscribed &&
      arrival.primary === DsoType.UNSUBSCRIBE,
    reaction: "drop",
  },
  {
    line: 5,
    reason: "early-one-way",
    fits: (arrival) => isOneWay(arrival) && isUnopened(arrival),
    reaction: "abort",
  },
  {
    line: 6,
    reason: "broken-one-way",
    fits: (arrival) => isOneWay(arrival) && (arrival.primary === none || arrival.isCounting),
    reaction: "abort",
  },
  {
    line: 7,
    reason: "one-way",
    fits: (arrival) => isOneWay(arrival) && leadsOneWay("client", arrival.primary),
    reaction: "one-way",
  },
  { line: 8, reason: "stray-one-way", fits: isOneWay, reaction: "abort" },
  {
    line: 9,
    reason: "counts",
    fits: ({ isCounting }) => isCounting,
    reaction: "formerr",
  },
  {
    line: 10,
    reason: "broken-tlv",
    fits: ({ primary }) => primary === none,
    reaction: "formerr",
  },
  {
    line: 11,
    reason: "one-way-with-id",
    fits: ({ primary }) => isOneWayOnly(primary),
    reaction: "abort",
  },
  {
    line: 12,
    reason: "id-in-use",
    fits: ({ id, seen }) => seen.isInUse(id),
    reaction: "abort",
  },
  {
    line: 13,
    reason: "keepalive",
    fits: ({ primary }) => primary === DsoType.KEEPALIVE,
    reaction: "keepalive",
  },
  {
    line: 14,
    reason: "request",
    fits: ({ primary }) => leadsRequest("client", primary),
    reaction: "request",
  },
  { line: 15, reason: "unknown", fits: () => true, reaction: "typeni" },
];

/** What is to be done, why, and the message taken apart if it is a session's. */
export interface Judgement {
  readonly reaction: Reaction;
  readonly reason: string;
  readonly dso: DsoMessage | undefined;
}

/** Judges one message by the first line that fits. */
export function judge(bytes: Uint8Array, state: State["kind"], seen: Seen): Judgement {
  const dso = isDso(bytes) ? dsoMessageOf(bytes) : undefined;
  const arrival: Arrival = {
    bytes,
    state,
    dso,
    id: dso?.header.id ?? none,
    primary: (dso && primaryOf(dso)?.type) ?? none,
    isCounting: dso !== undefined && hasCounts(dso),
    seen,
  };
  const { reaction, reason } = table.find((line) => line.fits(arrival)) as Line;
  return { reaction, reason, dso };
}

function isDso(bytes: Uint8Array): boolean {
  return bytes.length >= headerBytes && (((bytes[2] as number) >> 3) & 0x0f) === Opcode.DSO;
}

/** EDNS-10. A message that cannot be read is the queries' to refuse. */
function hasKeepaliveOption(bytes: Uint8Array): boolean {
  try {
    const options = decodeMessage(bytes).edns?.options ?? [];
    return options.some(({ code }) => code === EdnsOption.TCP_KEEPALIVE);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return false;
  }
}
