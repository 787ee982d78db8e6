// One HTTP exchange as values: what was asked, and what is answered. os/http.ts
// makes the one from bytes and sends the other; nothing in this folder knows
// what a socket is.

import type { EventName } from "./shapes.js";

/** How the request reached us: what its sender may do depends on it (interface §3.1). */
export interface Door {
  readonly kind: "unix" | "tcp";
  /** Both ends are addresses of this host. */
  readonly isLoopback: boolean;
  readonly isTls: boolean;
}

/** Header fields that mean something here; one that came twice has both, joined by a comma. */
export interface Fields {
  readonly host?: string;
  readonly origin?: string;
  readonly authorization?: string;
  readonly fetchSite?: string;
  readonly fetchMode?: string;
  readonly ifNoneMatch?: string;
}

export interface Request {
  readonly method: string;
  /** Path and query as sent: not decoded yet. */
  readonly target: string;
  readonly fields: Fields;
  readonly door: Door;
}

/** One event on its way to those who follow. */
export interface ApiEvent {
  readonly name: EventName;
  /** JSON, on one line. */
  readonly json: string;
  /** For filters: what a packet names, and its link. */
  readonly subject?: PacketSubject;
}

export interface PacketSubject {
  readonly link: string;
  /** Every name in it as people and as zone files write it, folded, a line each. */
  readonly names: string;
  readonly types: ReadonlySet<number>;
  /** True: for those who may write; false: for the others; absent: for everybody. */
  readonly isForWriters?: boolean;
}

/** What one follower wants to hear. */
export interface Following {
  readonly feed: "events" | "packets";
  accepts(event: ApiEvent): boolean;
}

export type Answer =
  | {
      readonly kind: "whole";
      readonly status: number;
      readonly type: string;
      readonly body: string | Uint8Array;
      readonly fields?: Readonly<Record<string, string>>;
    }
  /** Long ones, in pieces that each take a millisecond at most to make. */
  | { readonly kind: "pieces"; readonly type: string; readonly pieces: Iterator<string> }
  /** To be answered once the configuration was read again (reload.ts). */
  | { readonly kind: "reload" }
  /** Server-sent events, until one of the two has enough. */
  | {
      readonly kind: "follow";
      readonly following: Following;
      readonly first: string;
      /** The follower is the operator, or somebody whom he trusts as much. */
      readonly mayWrite: boolean;
    };

export const jsonType = "application/json; charset=utf-8";

/** A JSON body. */
export function json(status: number, body: object, fields?: Readonly<Record<string, string>>) {
  const text = `${JSON.stringify(body)}\n`;
  const more = fields === undefined ? {} : { fields };
  return { kind: "whole", status, type: jsonType, body: text, ...more } as const satisfies Answer;
}

/** What is wrong, and what helps. */
export function failure(
  status: number,
  error: string,
  remedy?: string,
  fields?: Readonly<Record<string, string>>,
): Answer {
  return json(status, remedy === undefined ? { error } : { error, remedy }, fields);
}
