// An answer in the few words that judging needs, so that tables of tests can hold it.

import { EdnsOption, RRType, rcodeName } from "../../wire/codes.js";
import type { Message } from "../../wire/message.js";
import { displayName, formatName } from "../../wire/name.js";
import { formatRdata } from "../../wire/rdata/text.js";
import type { Probed } from "./probe.js";

/** `NOERROR`, `NXDOMAIN`. */
export interface Answered {
  readonly kind: "answer";
  readonly rcode: string;
  /** AA: it is the zone's own server that answers. RA: a resolver may. */
  readonly isAuthoritative: boolean;
  readonly isRecursive: boolean;
  readonly isTruncated: boolean;
  readonly ms: number;
  readonly bytes: number;
  readonly sent: number;
  /** Rdata of the records of the asked type, at most 50; names as people read them. */
  readonly found: readonly string[];
  /** The zone of the SOA that is in the answer or beside it, in zone-file text, no final dot. */
  readonly soa?: string;
  /** MNAME of that SOA. */
  readonly primary?: string;
  readonly nsid?: string;
  /** Seconds since 1970 by the clock of the server, from its cookie (RFC 9018 §4.3). */
  readonly clock?: number;
  /** The same by ours, when the answer came. */
  readonly at: number;
}

export type Reply =
  | Answered
  | { readonly kind: "silent" }
  | { readonly kind: "failed"; readonly code: string; readonly reason: string };

const foundMax = 50;
/** Zone-file text of a name without the final dot. */
export const bare = (name: string): string => name.replace(/(?<!\\)\.$/, "") || ".";

/** Version 1, three reserved bytes, the time, a hash: behind the 8 bytes of the client. */
function clockOf(cookie: Uint8Array | undefined): number | undefined {
  if (cookie === undefined || cookie.length !== 24 || cookie[8] !== 1) return undefined;
  return new DataView(cookie.buffer, cookie.byteOffset).getUint32(12);
}

function optionsOf({ edns }: Message): Pick<Answered, "nsid" | "clock"> {
  const bytesOf = (code: number) => edns?.options.find((one) => one.code === code)?.bytes;
  const nsid = bytesOf(EdnsOption.NSID);
  const clock = clockOf(bytesOf(EdnsOption.COOKIE));
  return {
    ...(nsid === undefined || nsid.length === 0 ? {} : { nsid: Buffer.from(nsid).toString() }),
    ...(clock === undefined ? {} : { clock }),
  };
}

export function replyOf(probed: Probed, type: number = RRType.SOA): Reply {
  if (probed.kind === "silent") return { kind: "silent" };
  if (probed.kind === "failed") return probed;
  const { message, ms, bytes, sent } = probed;
  const soa = [...message.answers, ...message.authorities].find((rr) => rr.type === RRType.SOA);
  const { rdata } = soa ?? {};
  const found = message.answers.filter((rr) => rr.type === type).slice(0, foundMax);
  return {
    kind: "answer",
    rcode: rcodeName((message.edns?.extendedRcode ?? 0) * 16 + message.rcode),
    isAuthoritative: message.aa,
    isRecursive: message.ra,
    isTruncated: message.tc,
    ms,
    bytes,
    sent,
    at: Date.now() / 1000,
    found: found.map(({ type, rdata }) =>
      rdata.kind === "ptr" ? displayName(rdata.target) : formatRdata(type, rdata),
    ),
    ...(soa === undefined ? {} : { soa: bare(formatName(soa.name)) }),
    ...(rdata?.kind === "soa" ? { primary: bare(formatName(rdata.mname)) } : {}),
    ...optionsOf(message),
  };
}

const folded = (name: string): string => name.toLowerCase();

/** Whether it says, of a question for the SOA, that the zone is there. */
export function isZoneAnswer(reply: Reply, zone: string): boolean {
  if (reply.kind !== "answer" || reply.rcode !== "NOERROR") return false;
  return reply.found.length > 0 && reply.soa !== undefined && folded(reply.soa) === folded(zone);
}

/** `NOERROR in 3 ms, authoritative: 10.1.0.2`. */
export function replyText(reply: Reply, hasRecords = false): string {
  if (reply.kind === "silent") return "no answer";
  if (reply.kind === "failed") return reply.reason;
  const { rcode, ms, isAuthoritative, isTruncated, nsid, found } = reply;
  const parts = [`${rcode} in ${Math.round(ms)} ms`];
  if (isAuthoritative) parts.push("authoritative");
  if (isTruncated) parts.push("truncated");
  if (nsid !== undefined) parts.push(`NSID ${nsid}`);
  const records = hasRecords && found.length > 0 ? `: ${found.slice(0, 5).join(", ")}` : "";
  return `${parts.join(", ")}${records}`;
}
