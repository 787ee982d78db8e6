// HTTP listeners for the API, the metrics and discweb: TCP addresses with or
// without TLS, and Unix sockets. What each request is answered is api/'s; here are
// connections and their bounds.

import { createServer, type Server as HttpServer, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Address, clientKey, formatAddress, parseAddress } from "../address.js";
import type { ApiEvent, Door, Following } from "../api/exchange.js";
import { type HttpPlace, placeText } from "../api/place.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Credentials } from "./credentials.js";
import { type Answering, HttpExchanges, lastWords } from "./http-exchange.js";
import { HttpFollowers } from "./http-followers.js";
import {
  closingPatience,
  connectionsMax,
  connectionsPerClientMax,
  fieldsMax,
  handshakePatience,
  headerBytesMax,
  headerPatience,
  idlePatience,
  lastWordsPatience,
  patienceCheck,
  requestPatience,
  stallPatience,
} from "./http-limits.js";
import { HttpTurns } from "./http-turns.js";
import { codeOf } from "./multicast.js";
import { findPortOwner } from "./port-owner.js";
import { clearUnixPath, listenAtUnixPath } from "./unix-place.js";

export type { HttpPlace } from "../api/place.js";

export interface HttpSettings {
  readonly listen: readonly HttpPlace[];
  /** TCP listeners speak TLS with these; a Unix socket never does. */
  readonly credentials?: Credentials;
  /** Without credentials TCP listeners stay closed: what is meant to be secret goes out so only. */
  readonly needsTls?: boolean;
  /** Nobody wrote the places: one that cannot be opened is no error. */
  readonly isDefault?: boolean;
}

/** One that is open. */
export interface OpenHttp {
  /** As people write it: `127.0.0.1:8053`, `[::1]:8053`, a path. */
  readonly name: string;
  /** The one that the system chose where none was given; 0 for a Unix socket. */
  readonly port: number;
  /** What a browser opens; the path of a Unix socket. */
  readonly url: string;
}

export interface HttpParts {
  readonly answering: Answering;
  readonly log: Log;
  readonly counts: Counts;
  /** Called with what was thrown while answering; does not return. */
  readonly crash: (error: unknown) => never;
}

type AnyServer = HttpServer | HttpsServer;

interface Listener extends OpenHttp {
  readonly server: AnyServer;
  readonly isTls: boolean;
}

export class HttpListeners {
  readonly #parts: HttpParts;
  readonly #followers: HttpFollowers;
  readonly #exchanges: HttpExchanges;
  readonly #open = new Map<string, Listener>();
  readonly #complaints = new Map<string, string>();
  /** Connections of each client elsewhere. */
  readonly #perClient = new Map<string, number>();
  /** Every connection, with the server that accepted it. */
  readonly #sockets = new Map<Socket, AnyServer>();
  /** One call of `follow` after the other. */
  #following: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(parts: HttpParts) {
    this.#parts = parts;
    const { answering, counts, crash } = parts;
    this.#followers = new HttpFollowers(counts);
    const turns = new HttpTurns(crash);
    const followers = this.#followers;
    this.#exchanges = new HttpExchanges({ answering, turns, followers, counts, crash });
  }

  get open(): readonly OpenHttp[] {
    return [...this.#open.values()].map(({ name, port, url }) => ({ name, port, url }));
  }

  /** Open event streams. */
  get followers(): number {
    return this.#followers.size;
  }

  /** Whether anybody follows a feed: what nobody reads need not be made. */
  hasFollowers(feed: Following["feed"]): boolean {
    return this.#followers.has(feed);
  }

  /**
   * Opens what is wanted and closes what is not; what stays goes on undisturbed, with other
   * credentials from its next connection on.
   *
   * @returns what could not be opened, a line each with cause and remedy; new ones are logged
   */
  follow(settings: HttpSettings): Promise<readonly string[]> {
    const turn = this.#following.then(() => this.#follow(settings));
    this.#following = turn;
    return turn;
  }

  async #follow(settings: HttpSettings): Promise<readonly string[]> {
    const wanted = new Map(settings.listen.map((place) => [keyOf(place, settings), place]));
    for (const [key, listener] of this.#open) if (!wanted.has(key)) this.#close(key, listener);
    const faults: string[] = [];
    for (const [key, place] of wanted) {
      const known = this.#open.get(key);
      const fault =
        known === undefined
          ? await this.#tryOpen(key, place, settings)
          : renew(known, settings.credentials);
      if (fault !== undefined) faults.push(fault);
      if (fault !== undefined && this.#complaints.get(key) !== fault) {
        this.#tellFault(fault, settings.isDefault === true);
      }
      if (fault === undefined) this.#complaints.delete(key);
      else this.#complaints.set(key, fault);
    }
    return faults;
  }

  /** To all who follow its feed and whose filter fits. */
  publish(event: ApiEvent): void {
    this.#followers.publish(event);
  }

  /** Ends event streams in order: who follows has to ask again, and may be refused. */
  endStreams(): void {
    this.#followers.closeAll();
  }

  #tellFault(reason: string, isDefault: boolean): void {
    const remedy = "http = { listen = … } in discd.lua chooses other places, http = false none";
    if (isDefault) this.#parts.log.event("warn", "http-not-listening", { reason, remedy });
    else this.#parts.log.event("error", "http-not-listening", { reason });
  }

  /** Listens no more and ends event streams; answers that are due are still given. */
  retire(): void {
    this.#isClosed = true;
    this.#followers.closeAll();
    for (const [key, listener] of this.#open) this.#close(key, listener);
  }

  /** Ends event streams in order, and everything else at once. */
  close(): void {
    this.retire();
    for (const socket of this.#sockets.keys()) socket.destroySoon();
  }

  /** Nothing goes on for long by a door that is closed; what is being answered leaves. */
  #close(key: string, { server }: Listener): void {
    this.#open.delete(key);
    server.close();
    server.closeIdleConnections();
    setTimeout(() => {
      for (const [socket, own] of this.#sockets) if (own === server) socket.destroySoon();
    }, closingPatience).unref();
  }

  /** @returns what is in the way, and what helps */
  async #tryOpen(
    key: string,
    place: HttpPlace,
    settings: HttpSettings,
  ): Promise<string | undefined> {
    const name = placeText(place);
    const credentials = place.kind === "tcp" ? settings.credentials : undefined;
    if (place.kind === "tcp" && settings.needsTls === true && credentials === undefined) {
      return `http.listen ${name}: there is no certificate to speak TLS with; set certificate`;
    }
    try {
      const server = this.#serverFor(place, credentials);
      if (place.kind === "unix") {
        const obstacle = await clearUnixPath(place.path);
        if (obstacle !== undefined) return `http.listen ${name}: ${obstacle}`;
        await listenAtUnixPath(server, place.path);
      } else await listenAtPort(server, place.address, place.port);
      if (this.#isClosed) {
        server.close();
        return undefined;
      }
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : 0;
      const isTls = credentials !== undefined;
      const url = place.kind === "unix" ? name : `${isTls ? "https" : "http"}://${name}/`;
      this.#open.set(key, { name, port, url, server, isTls });
      server.on("error", (error) => this.#failed(key, error));
      // A name with port 0 has got some port; a Unix socket has none.
      const where = place.kind === "unix" ? {} : { port };
      this.#parts.log.event("info", "http-listening", { at: name, ...where, tls: isTls });
      return undefined;
    } catch (error) {
      return `http.listen ${name}: ${causeOf(place, error)}`;
    }
  }

  #serverFor(place: HttpPlace, credentials: Credentials | undefined): AnyServer {
    const options: ServerOptions = {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headerPatience,
      requestTimeout: requestPatience,
      connectionsCheckingInterval: patienceCheck,
      keepAliveTimeout: idlePatience,
      // A request without it is refused, and counted, where all Host fields are judged.
      requireHostHeader: false,
      insecureHTTPParser: false,
    };
    const server =
      credentials === undefined
        ? createServer(options)
        : createTlsServer({
            ...options,
            cert: credentials.cert,
            key: credentials.key,
            minVersion: "TLSv1.2",
            handshakeTimeout: handshakePatience,
          });
    server.maxHeadersCount = fieldsMax;
    server.maxConnections = connectionsMax;
    server.timeout = stallPatience;
    this.#hear(server, place.kind, credentials !== undefined);
    return server;
  }

  #hear(server: AnyServer, kind: Door["kind"], isTls: boolean): void {
    const { counts } = this.#parts;
    server.on("connection", (socket: Socket) => this.#connected(socket, server, kind));
    server.on("drop", () => counts.add("limits", "http-connections"));
    server.on("request", (incoming, response) => {
      const isLoopback = kind === "tcp" && isLocal(incoming.socket);
      this.#exchanges.begin(incoming, response, { kind, isLoopback, isTls });
    });
    server.on("checkContinue", (_, response) => this.#exchanges.refuseExpectation(response));
    server.on("checkExpectation", (_, response) => this.#exchanges.refuseExpectation(response));
    // Nothing is spoken but HTTP/1; who offers to change to something else is answered as ever.
    server.on("connect", (_, socket) => {
      counts.add("drops", "http-method");
      say(socket, lastWords("405 Method Not Allowed", "this is no proxy"));
    });
    server.on("timeout", (socket) => {
      const isBusy = this.#exchanges.isBusy(socket);
      // It is we who take our time: a reload may have to ask the DNS.
      if (isBusy && socket.writableLength === 0) return;
      if (isBusy) counts.add("drops", "http-stalled");
      socket.destroy();
    });
    server.on("tlsClientError", () => counts.add("drops", "http-tls"));
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      // It was told already, or has gone: what it sends besides is no request of its own.
      if (!socket.writable || error.code === "ECONNRESET") {
        socket.destroy();
        return;
      }
      const { status, reason, text } = faultOf(error);
      counts.add("drops", `http-${reason}`);
      say(socket, lastWords(status, text));
    });
  }

  #connected(socket: Socket, server: AnyServer, kind: Door["kind"]): void {
    const { counts } = this.#parts;
    this.#sockets.set(socket, server);
    socket.on("error", () => counts.add("http", "failed"));
    const address = kind === "unix" || isLocal(socket) ? undefined : addressOf(socket);
    const client = address === undefined ? undefined : clientKey(address);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (client !== undefined) this.#count(client, -1);
    });
    if (client === undefined) return;
    this.#count(client, 1);
    if ((this.#perClient.get(client) ?? 0) <= connectionsPerClientMax) return;
    counts.add("limits", "http-connections-per-client");
    socket.destroy();
  }

  #count(client: string, by: number): void {
    const count = (this.#perClient.get(client) ?? 0) + by;
    if (count === 0) this.#perClient.delete(client);
    else this.#perClient.set(client, count);
  }

  /** Its shortages pass; anything else ends it, and it is opened again with the next look. */
  #failed(key: string, error: Error): void {
    const code = codeOf(error);
    const listener = this.#open.get(key);
    if (["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"].includes(code)) {
      this.#parts.counts.add("limits", "open-files");
    } else if (listener !== undefined) {
      this.#close(key, listener);
      this.#parts.log.event("error", "http-failed", { at: listener.name, code });
    }
  }
}

/** Takes other credentials into use. @returns why they are of no use */
function renew({ server, name }: Listener, credentials: Credentials | undefined) {
  if (!("setSecureContext" in server) || credentials === undefined) return undefined;
  try {
    server.setSecureContext({
      cert: credentials.cert,
      key: credentials.key,
      minVersion: "TLSv1.2",
    });
  } catch (error) {
    return `http.listen ${name}: the certificate cannot be used: ${(error as Error).message}`;
  }
  return undefined;
}

function listenAtPort(server: AnyServer, address: Address, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const host = formatAddress(address);
    server.listen({ host, port, ipv6Only: true, exclusive: true }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

/** What tells one listener from another; with and without TLS are two. */
function keyOf(place: HttpPlace, { credentials, needsTls }: HttpSettings): string {
  const isTls = place.kind === "tcp" && (needsTls === true || credentials !== undefined);
  return `${placeText(place)} ${isTls ? "tls" : ""}`;
}

function causeOf(place: HttpPlace, error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case "EACCES":
      return "permission denied; choose another place, or give discd the right to it";
    case "EADDRNOTAVAIL":
      return "this host has no such address; give it to an interface, or choose another place";
    case "EADDRINUSE": {
      const owner =
        place.kind === "tcp" ? findPortOwner("tcp", place.address, place.port) : undefined;
      const by = owner === undefined ? "already in use" : `in use by ${owner}`;
      return `${by}; stop that program, or choose another port`;
    }
    default:
      return error instanceof Error ? error.message : code;
  }
}

interface RequestFault {
  readonly status: string;
  /** To count by. */
  readonly reason: string;
  /** For the client. */
  readonly text: string;
}

function faultOf({ code }: NodeJS.ErrnoException): RequestFault {
  switch (code) {
    case "HPE_HEADER_OVERFLOW": {
      const text = `a request may have ${headerBytesMax} bytes of fields`;
      return { status: "431 Request Header Fields Too Large", reason: "fields", text };
    }
    case "ERR_HTTP_REQUEST_TIMEOUT": {
      const text = `a request may take ${requestPatience / 1000} s`;
      return { status: "408 Request Timeout", reason: "slow", text };
    }
    default:
      return { status: "400 Bad Request", reason: "malformed", text: "this is no HTTP request" };
  }
}

/** Says something and ends the connection, whether it is read and answered or not. */
function say(socket: Duplex, words: string): void {
  const patience = setTimeout(() => socket.destroy(), lastWordsPatience).unref();
  socket.once("close", () => clearTimeout(patience));
  socket.on("error", () => {});
  // What still arrives is thrown away: unread, it would take the words with it.
  socket.resume();
  socket.end(words);
}

function addressOf({ remoteAddress }: Socket): Address | undefined {
  return remoteAddress === undefined ? undefined : parseAddress(remoteAddress);
}

/** Both ends are loopback addresses: nobody else's packet gets there. */
function isLocal({ localAddress, remoteAddress }: Socket): boolean {
  return [localAddress, remoteAddress].every((text) => {
    const address = text === undefined ? undefined : parseAddress(text);
    if (address === undefined) return false;
    const { family, bytes } = address;
    if (family === "ipv4") return bytes[0] === 127;
    return bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
  });
}
