// Clients on loopback for the tests of this folder, and waiting.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";

/** Waits until something holds; the test's own limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("not within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** One question and one answer over UDP; also from which address and port it came. */
export async function exchange(text: string, port: number, host = "127.0.0.1") {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.send(text, port, host);
  const [bytes, source] = await once(socket, "message");
  socket.close();
  return { text: String(bytes), address: source.address as string, port: source.port as number };
}

/** A client that keeps what it hears; resets are not errors of the test. */
class Listener<S extends Socket> {
  readonly socket: S;
  readonly heard: Buffer[] = [];
  hasEnded = false;
  /** The code of the error that ended it. */
  failure: string | undefined;
  isClosed = false;

  constructor(socket: S) {
    this.socket = socket;
    socket.on("data", (bytes) => this.heard.push(bytes));
    socket.on("end", () => {
      this.hasEnded = true;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.failure = error.code;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  get text(): string {
    return Buffer.concat(this.heard).toString();
  }
}

export class Client extends Listener<Socket> {
  static async open(port: number, host = "127.0.0.1"): Promise<Client> {
    const socket = connect({ port, host, allowHalfOpen: true });
    const client = new Client(socket);
    await once(socket, "connect");
    return client;
  }
}

/** Trusts everybody: certificates are the matter of other tests. */
export class TlsClient extends Listener<TLSSocket> {
  /** Tickets, as they come. */
  readonly sessions: Buffer[] = [];

  /** Returns at once, to see a handshake fail. */
  static start(port: number, options: ConnectionOptions = {}): TlsClient {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
    const client = new TlsClient(socket);
    socket.on("session", (session) => client.sessions.push(session));
    return client;
  }

  static async open(port: number, options: ConnectionOptions = {}): Promise<TlsClient> {
    const client = TlsClient.start(port, options);
    await once(client.socket, "secureConnect");
    return client;
  }
}
