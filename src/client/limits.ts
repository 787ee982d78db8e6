// The bounds of a client, each with the reason for its size: a server is as much
// a stranger as any client is.

import { type Duration, seconds } from "../time.js";

/** Records held for one question. A campus has hundreds of printers, and not of one type. */
export const recordsMax = 10_000;

/** Subscriptions of one session: the server has as many for each session (RFC 8765 §4). */
export const subscriptionsMax = 1_000;

/** Largest PUSH without its length prefix (RFC 8765 §6.3.1). */
export const pushBytesMax = 16_382;

/** Steps from a name towards its zone. A reverse name of IPv6 below a service has 37 labels. */
export const walkStepsMax = 40;

/** Servers tried of one SRV record set, and addresses of one server. */
export const serversMax = 8;
export const addressesMax = 4;

/** Answers kept of the search for servers: a walk, four SRV sets, the addresses they need. */
export const answersMax = 200;

/** Names that stand for others, one behind the other: what resolvers follow, too. */
export const aliasesMax = 8;

/** Servers that are left alone for a while; the one to be asked again first leaves. */
export const avoidedMax = 100;

/** Reasons remembered for one question, so that each is told once. */
export const reasonsMax = 100;

/** Events over UDP that are remembered: a copy that comes late, behind others, changes nothing. */
export const seenEventsMax = 64;

/** How long a connection may take. */
export const connectPatience: Duration = seconds(10);

/** The same where nothing says that somebody listens: the resolver's port 853. */
export const guessPatience: Duration = seconds(3);

/**
 * After a lost session the records that the next one has not confirmed are kept for so long: a
 * Discovery Proxy may need 6 s for its link (RFC 8766 §5.6).
 */
export const settleTime: Duration = seconds(8);

/** No connection is made again sooner, whatever a server says, nor later than the other. */
export const againMin: Duration = seconds(1);
export const againMax: Duration = seconds(900);

/** A server of LLQs that cannot be reached may be starting again; not so one that says no. */
export const unreachableSpan: Duration = seconds(60);

/** A server that asks to be left alone for no longer is waited for. */
export const waitedFor: Duration = seconds(30);

/** A lease below this would make a refresh every few seconds of it. */
export const leaseSecondsMin = 30;

/** A lease is not trusted for longer, whatever the server says. */
export const leaseSecondsMax = 86_400;
