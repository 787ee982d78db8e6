// Bounds and times of update mode, each with the reason for its size. What an
// operator may change comes in with the settings of a zone; what happens at a
// bound is counted.

import { type Duration, ms, seconds } from "../time.js";

/** Changes are collected for so long after the first of them (UP-62). */
export const collectSpan: Duration = ms(300);
/** A service that keeps changing delays the others no longer than this (UP-62). */
export const collectSpanMax: Duration = seconds(2);
/** Between two messages to one zone: every message is a serial and a transfer (UP-62). */
export const messageSpacing: Duration = seconds(1);
/** The same while a zone is filled after a start: 2,000 services shall be there in 30 s. */
export const fillSpacing: Duration = ms(250);
/** Records of one message; and bytes, signature not counted: what BIND signs in under 0.3 s. */
export const messageRecordsMax = 250;
export const messageBytesMax = 16 * 1024;
/** The first message waits at random up to this, so that a site's proxies do not come at once. */
export const startSpread: Duration = seconds(3);

/** An answer is waited for so long: ten times what a signing BIND took for 65 KB. */
export const answerWait: Duration = seconds(15);
/** A better answer than one without proof is waited for so long: it is hardly ever on its way. */
export const rumourWait: Duration = seconds(2);
/** A connection without work is closed after this (RFC 7766 §6.2.3). */
export const connectionIdle: Duration = seconds(10);
/** Records of one transfer: ten times what a zone may publish. More is no zone of ours. */
export const transferRecordsMax = 200_000;

/** Records that a transfer may repeat or bring from elsewhere, messages without any included. */
export const transferWasteMax = 200_000;
/** A whole transfer: 200,000 records at 1 MB a minute. One that drips on keeps updates waiting. */
export const transferSpan: Duration = seconds(600);

/** Pauses after failures: doubled from the first to the last, a fifth more or less (UP-63). */
export const retryFirst: Duration = seconds(1);
export const retryMax: Duration = seconds(300);
/** What a server refuses alone is kept from it for so long (UP-63). */
export const quarantineSpan: Duration = seconds(3600);
/** So many refusals in a row, no success between, are not about single records. */
export const refusalsInRow = 8;
/** Prerequisites of one unit that fail in a row, its names read anew each time. */
export const missesMax = 5;
/** After a clock error no update is sent for so long (TSIG-10). */
export const clockPause: Duration = seconds(60);
/** Where there is no UPDATE at all, it is tried again after this (UP-14). */
export const notUpdatablePause: Duration = seconds(900);

/** Records remembered as written once, after they are gone: as many as a zone may have. */
export const formerRecordsMax = 20_000;
/** Records that a server does not keep, remembered; more than these are not about records. */
export const unkeptMax = 1000;
/** Names of name servers that are kept free: a zone has a dozen, and its delegations some more. */
export const serversMax = 1000;
/** So often in a row the server may lose what it has acknowledged, before that is left aside. */
export const lossesMax = 3;
/** A zone that has changed is transferred again after this, though all changes were ours. */
export const auditSpan: Duration = seconds(900);
/** Names read one by one; for more of them, a transfer is cheaper. */
export const singleReadsMax = 16;

/** What was published before a restart and is not heard again is kept for so long (UP-65). */
export const restartGrace: Duration = seconds(120);
/** How often the zone's serial is looked at, and expired records are looked for (TO-19). */
export const surveySpan = [seconds(50), seconds(70)] as const;

/** Written lifetime: at least this, else twice the device's TTL, in full minutes (TO-17). */
export const lifeSecondsMin = 3600;
/**
 * And at most this: a device may say 68 years, and what it leaves would outlive everybody who
 * could remove it. RFC 6762 §10 asks for 75 minutes.
 */
export const lifeSecondsMax = 172_800;
/** When a lifetime is renewed: after 80 % and at random up to 85 % (TO-25). */
export const refreshShare = 0.8;
export const refreshSpread = 0.05;
/** What may be renewed along with others that are due (TO-25). */
export const refreshTogetherShare = 0.75;
/** Asked for with lifetime `lease` (TO-23). */
export const leaseSeconds = 7200;
/** A server that grants less is refreshed as if it had granted this, its usual minimum. */
export const leaseSecondsMin = 30;

/** How often the server and the zone are looked for: five minutes, a tenth more or less. */
export const searchSpan = { min: seconds(270), max: seconds(330) } as const;
/** A resolver that says nothing is asked the next question after this. */
export const lookupWait: Duration = seconds(5);

/** Servers of one SRV set that are looked at: two questions each, of five seconds at worst. */
export const primaryHostsMax = 8;
/** Addresses of servers that are kept; updates are tried at one after the other. */
export const primaryEndpointsMax = 16;

/** A subdomain that moves stands in its former zone until the new one is filled, or so long. */
export const retirementMax: Duration = seconds(600);
/**
 * A zone that is not used any more is kept until nothing of ours is there: through a day of its
 * server's absence, and of lifetimes that have to end there.
 */
export const afterlifeMax: Duration = seconds(86_400);

/** A subdomain that came into a zone has offered what it has within this: its link is known. */
export const fillSpan: Duration = seconds(5);
/** What is to be taken back at a clean stop is taken back within this, or left to its lifetimes. */
export const withdrawalMax: Duration = seconds(4);

/** Notes in a state file before it is written anew, shorter; as many as are ours, if more. */
export const journalNotesMin = 1000;

/** An interface that comes back within this causes no update at all (UP-12). */
export const linkHold: Duration = seconds(10);
/**
 * Lists of types and subtypes that were heard and are asked for since: ten types of printers with
 * a few subtypes each are below 50.
 */
export const heardListsMax = 200;
/** Subtypes of one instance that are published; RFC 6763 §7.1 speaks of a handful. */
export const subtypesMax = 30;
/** All types are asked for this long after the start, and then so often (UP-48). */
export const secondSweep: Duration = seconds(20);
export const sweepSpan = { min: seconds(810), max: seconds(990) } as const;
/** Inventories of one link share their sweeps: what was begun this shortly before is not again. */
export const sweepSpacing: { readonly second: Duration; readonly later: Duration } = {
  second: seconds(10),
  later: sweepSpan.min,
};
