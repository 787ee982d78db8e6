// Bounds of the HTTP listener. It is for one operator, some dashboards and a
// scraper; none of them comes near, and who goes beyond must not cost DNS anything.

/** Bytes of a request line and its fields; a token and what browsers send fit many times. */
export const headerBytesMax = 16 * 1024;

/** Fields of a request: browsers send some twenty. */
export const fieldsMax = 100;

/** Bytes of a request's body: nothing here takes one, and some clients send an empty object. */
export const bodyBytesMax = 4 * 1024;

/** Milliseconds from the connection, or the request's first byte, to its last field. */
export const headerPatience = 10_000;

/** Milliseconds for the whole request, body included. */
export const requestPatience = 15_000;

/** How often these two are looked at, in milliseconds: they are exact to this. */
export const patienceCheck = 1_000;

/** Milliseconds that a connection may wait for its next request: a scraper comes every 15 s. */
export const idlePatience = 20_000;

/**
 * Milliseconds without any byte in either direction, up to twice that where some of an answer has
 * left since; event streams have heartbeats.
 */
export const stallPatience = 20_000;

/** Milliseconds that a client has to read why its connection ends; nothing it sends counts. */
export const lastWordsPatience = 1_000;

/** Milliseconds that connections of a listener live on that is no longer wanted. */
export const closingPatience = 1_000;

/** Milliseconds for a TLS handshake. */
export const handshakePatience = 10_000;

/** Connections of one listener; a browser opens six. */
export const connectionsMax = 256;

/** Connections from one client elsewhere (an IPv4 address, an IPv6 /64). */
export const connectionsPerClientMax = 32;

/** Requests that one connection may have sent ahead without having read their answers. */
export const pipelinedMax = 8;

/** Event streams of all listeners: every tab of discweb is one. */
export const followersMax = 64;

/** Of them, those kept for who may write: other users of the host cannot shut out the operator. */
export const followersReserved = 8;

/**
 * Bytes that wait for one reader of events: some hundred changes of services. Whoever lets more
 * pile up is better off with the list anew.
 */
export const followerQueueMax = 256 * 1024;

/** Milliseconds between signs of life on event streams: proxies give up after 30 s to 60 s. */
export const heartbeatEvery = 15_000;

/** Owner and group of the process may talk to the Unix socket: whoever may, may write. */
export const unixMode = 0o660;
