// Who has an LLQ, where its messages go, and what is handed to the engine. The
// shapes are those of ordinary queries, so that one Effect serves both.

/** The other end as the kernel spells it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

export type Asker =
  | { readonly transport: "udp"; readonly listener: string; readonly peer: Peer }
  | { readonly transport: "tcp" | "tls"; readonly stream: number; readonly peer: Peer };

/** One message to a client. On a stream it still lacks its length prefix. */
export interface Reply {
  /** LLQ-15: the listener and the address and port of the Setup Request, or its stream. */
  readonly to: Asker;
  readonly bytes: Uint8Array;
  /** Sent without being asked for: no query on the stream is answered by it. */
  readonly isEvent: boolean;
}

/** The way back as one text: equal for equal listener, address and port, or stream. */
export function wayOf(asker: Asker): string {
  if (asker.transport !== "udp") return `stream ${asker.stream}`;
  const { listener, peer } = asker;
  return `${peer.address} ${peer.port} ${listener}`;
}
