// Every span of time and every size that governs one link. The first group is
// RFC 6762's and RFC 8766's and is not to be tuned; the second is ours, each
// with the reason for its value.

import type { Family } from "../address.js";
import { mdnsPacketMax } from "../limits.js";
import { ms, seconds } from "../time.js";

/** A random delay before the first query of a series, and before a shared answer (§5.2, §6). */
export const politeDelay = { min: ms(20), max: ms(120) } as const;
/** The same after a truncated query, whose known answers are still on their way (§7.2). */
export const truncatedDelay = { min: ms(400), max: ms(500) } as const;
/** Between the first two queries; each further gap doubles, up to the cap (§5.2). */
export const firstGap = seconds(1);
export const gapMax = seconds(3600);
/** When in its life a record is asked for again, and the random span after each point (§5.2). */
export const refreshPoints = [0.8, 0.85, 0.9, 0.95] as const;
export const refreshSpread = 0.02;
/** What is left of a record's life after a goodbye (§10.1) or a cache-flush (§10.2). */
export const goodbyeGrace = seconds(1);
/** A cache-flush leaves records alone that are no older than this (§10.2). */
export const flushProtected = seconds(1);
/** Answers by unicast are believed for this long after the QU question (§6). */
export const unicastSpan = seconds(2);
/** No renewal this long after a hint, or after the second unanswered query: gone (§10.4, §10.5). */
export const failureWait = seconds(10);
/** Queries sent for a disputed record (§10.4). */
export const confirmQueries = 2;
/** Foreign queries that must go unanswered before a record is taken for dead (§10.5). */
export const unansweredQueries = 2;
/** The same record is not multicast again sooner (§6). */
export const multicastSpacing = seconds(1);
/** TTL of the records that `announce` makes (§10), and in legacy answers (§6.7). */
export const announcedTtlSeconds = 4500;
export const legacyTtlSeconds = 10;
/** Announcements at start and after a change (§8.3). */
export const announcements = 2;

/** A TTL with the top bit set counts as 0 (RFC 2181 §8). */
export const ttlSecondsMax = 0x7fff_ffff;
/** Bit 15 of a class: cache-flush in a record, QU in a question (§10.2, §5.4). */
export const topBit = 0x8000;
export const mdnsPort = 5353;

/** Our own choice (T-20): a name counts as recently asked for this long after its last watch. */
export const recentSpan = seconds(10);
/** Names remembered as recently asked: as many as 1,000 new names a second leave behind. */
export const recentNamesMax = 10_000;
/**
 * Our own choice: one client may keep a new question alive only while it has less than this share
 * of all that there may be. Sessions last for days, so a few of one client must not use up a link.
 */
export const clientShare = 1 / 5;
/** Packets of ours are expected back from multicast loopback within this; it takes microseconds. */
export const echoSpan = seconds(3);
/**
 * The span in which the rate limit counts packets: one second, and room for the time that
 * passes between our decision and the wire, since the limit is measured there.
 */
export const rateSpan = ms(1050);
/** After a change of addresses, what is not heard again within this is forgotten (§10.3). */
export const linkChangeGrace = seconds(10);
/** Copies of one foreign query on the other family arrive well within this. */
export const twinSpan = ms(500);
/** Known answers of a truncated query are collected until none came for so long. */
export const collectSpan = ms(500);
/** Truncated foreign queries collected at once, and known answers kept of one. */
export const collectionsMax = 64;
export const collectedAnswersMax = 5_000;
/** Records under reconfirmation at once: at two queries each, far more than a link can be asked. */
export const confirmationsMax = 500;
/** Answers of `announce` waiting for their delay: a busy second has some ten. */
export const repliesMax = 100;
/** Clients under whose turn one question may wait; the first ones are enough to be fair. */
export const clientsPerQuestion = 16;
/** Types that a kept NSEC may list: all of block 0 (§6.1), and some above it. */
export const nsecTypesMax = 300;
/** Bytes of rdata that count as one record in the cache limit. */
export const recordUnit = 512;

/**
 * Our own choice: a question of another host is asked by us for so long, which is two queries; the
 * same name not again for a minute; and so many names in that minute, a query of ours every second.
 */
export const inquirySpan = ms(2500);
export const inquiryMemory = seconds(60);
export const inquiriesMax = 30;

const headerBytes: Readonly<Record<Family, number>> = { ipv4: 28, ipv6: 48 };

/** Bytes of DNS message in one packet: the MTU less IP and UDP headers (§17). */
export function payloadMax(family: Family, mtu: number): number {
  // 1280 is what IPv6 demands of every link, 576 what IPv4 does; below lies only nonsense.
  const usable = Math.min(Math.max(mtu, family === "ipv4" ? 576 : 1280), mdnsPacketMax);
  return usable - headerBytes[family];
}
