// Server-sent events (the HTML standard's text/event-stream): how one is framed,
// and which of them a follower wants. JSON holds no line break, so that an event is
// one `data` line whatever a device calls itself.

import type { ApiEvent, Following } from "./exchange.js";
import type { EventName } from "./shapes.js";

export const eventsType = "text/event-stream; charset=utf-8";

/** Keeps proxies and readers from taking silence for an end. */
export const heartbeat = ": \n\n";

export function eventOf(name: EventName, value: object): ApiEvent {
  return { name, json: JSON.stringify(value) };
}

/** The bytes of one event, as text. */
export const frame = ({ name, json }: ApiEvent): string => `event: ${name}\ndata: ${json}\n\n`;

/** Services coming and going, and the summary. */
export const allEvents: Following = {
  feed: "events",
  accepts: ({ name }) => name !== "packet",
};

/** What a follower of packets wants; absent: any. */
export interface PacketFilter {
  readonly link?: string;
  /** Folded text that is part of a name. */
  readonly name?: string;
  readonly type?: number;
}

/** @param mayWrite  what the rules of discd.lua hide is shown as well */
export function packetsLike({ link, name, type }: PacketFilter, mayWrite: boolean): Following {
  return {
    feed: "packets",
    accepts: ({ subject }) =>
      subject !== undefined &&
      (subject.isForWriters ?? mayWrite) === mayWrite &&
      (link === undefined || subject.link === link) &&
      (name === undefined || subject.names.includes(name)) &&
      (type === undefined || subject.types.has(type)),
  };
}
