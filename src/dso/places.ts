// Which TLV may lead which message (RFC 8490 §8.2, RFC 8765 §6.6), as a table,
// for both ends. A TLV that may not stand as an additional one is ignored there
// (DSO-22), so that only padding has a meaning in that place.

import { DsoType } from "../wire/codes.js";

/** The end that accepted the connection, or the one that opened it. */
export type Role = "server" | "client";

interface Place {
  /** Who may lead a request with it. */
  readonly request?: Role;
  /** Who may lead a one-way message with it. */
  readonly oneWay?: Role;
}

const places: ReadonlyMap<number, Place> = new Map<number, Place>([
  [DsoType.KEEPALIVE, { request: "client", oneWay: "server" }],
  [DsoType.RETRY_DELAY, { oneWay: "server" }],
  [DsoType.SUBSCRIBE, { request: "client" }],
  [DsoType.PUSH, { oneWay: "server" }],
  [DsoType.UNSUBSCRIBE, { oneWay: "client" }],
  [DsoType.RECONFIRM, { oneWay: "client" }],
]);

/** Whether this end may lead a request with the type. */
export function leadsRequest(sender: Role, type: number): boolean {
  return places.get(type)?.request === sender;
}

/** Whether this end may lead a one-way message with the type. */
export function leadsOneWay(sender: Role, type: number): boolean {
  return places.get(type)?.oneWay === sender;
}

/** Whether the type is defined, and never leads a request: an ID with it is fatal (DSO-13). */
export function isOneWayOnly(type: number): boolean {
  const place = places.get(type);
  return place !== undefined && place.request === undefined;
}
