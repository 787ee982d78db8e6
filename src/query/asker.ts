// Who asked, and where the answer goes. The engine turns a reply into an
// Effect; nothing in this folder knows what a socket is.

/** The other end as the kernel spells it: parsed when an address is seen for the first time. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

export type Transport = "udp" | "tcp" | "tls";

export type Asker =
  | { readonly transport: "udp"; readonly listener: string; readonly peer: Peer }
  | { readonly transport: "tcp" | "tls"; readonly stream: number; readonly peer: Peer };

/** One response. On a stream it still lacks its length prefix. */
export interface Reply {
  readonly to: Asker;
  readonly bytes: Uint8Array;
}
