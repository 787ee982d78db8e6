// A TLS connection as clients of discd make it; who it talks to is not proved.

import { connect, type TLSSocket } from "node:tls";

export interface Destination {
  readonly host: string;
  readonly port: number;
  /** Our own address. */
  readonly from: string | undefined;
  /** To resume; without one the handshake is a full one. */
  readonly session?: Buffer | undefined;
}

export function connectTls({ host, port, from, session }: Destination): TLSSocket {
  return connect({
    host,
    port,
    servername: "px.example.com",
    ALPNProtocols: ["dot"],
    rejectUnauthorized: false,
    ...(from === undefined ? {} : { localAddress: from }),
    ...(session === undefined ? {} : { session }),
  });
}
