// `http` of discd.lua: where the API, the metrics and discweb are served, and the
// token of those who may write, or read from elsewhere.

import { type Address, formatAddress, parseAddress } from "../address.js";
import { type HttpPlace, placeText, unixPathMax } from "../api/place.js";
import type { CertificateSetting, TlsPlaces } from "./certificate.js";
import { beside } from "./paths.js";
import { type Ports, streamPorts } from "./ports.js";
import type { Where } from "./report.js";
import { type Check, oneOrMore, optional, orFlag, preset, refuse, table } from "./shapes.js";
import { flag } from "./words.js";

/** What the operator wants of the HTTP listeners. */
export interface HttpWish {
  readonly listen: readonly HttpPlace[];
  readonly token?: string;
  /** TCP speaks TLS, with the daemon's certificate; a Unix socket never does. */
  readonly isTls: boolean;
  /** Nobody wrote the places: one that cannot be opened is no reason not to start. */
  readonly isDefault: boolean;
}

/** Longest token; a request's fields have room for many of them. */
const tokenMax = 512;
/** Shorter ones can be guessed. */
const tokenFair = 16;

const form = "'127.0.0.1:8053', '[::1]:8053' or '/run/discd/http'";

/** Served where the file says nothing of it: this host alone can get there. */
const defaultPlaces: readonly HttpPlace[] = [
  {
    kind: "tcp",
    address: { family: "ipv4", bytes: Uint8Array.of(127, 0, 0, 1) },
    port: 8053,
  },
  { kind: "unix", path: "/run/discd/http" },
];

const place: Check<HttpPlace> = (value, where) => {
  if (value.kind !== "string" || !value.isUtf8) return refuse(value, where, form);
  const { text } = value;
  const problem = (what: string): undefined => where.report.problem(where, what) as undefined;
  if (text.startsWith("/")) return unixPlace(text, problem);
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const [, inBrackets, plain, digits] = found ?? [];
  const address = parseAddress(inBrackets ?? plain ?? "");
  if (address === undefined || (address.family === "ipv6") !== (inBrackets !== undefined)) {
    return problem(`must be ${form}, not '${text.slice(0, 80)}'${hintFor(text)}`);
  }
  const port = Number(digits);
  if (port < 1 || port > 65_535) return problem(`the port must be from 1 to 65535, not ${port}`);
  const [first = 0, second = 0] = address.bytes;
  const shown = formatAddress(address);
  const isLong = address.family === "ipv6";
  if (first >= (isLong ? 0xff : 224)) return problem(`${shown} is not one host's address`);
  if (isLong && first === 0xfe && second >> 6 === 2 && address.zone === undefined) {
    return problem(`${shown} is on every link; name the interface: '[${shown}%eth0]:${port}'`);
  }
  return { kind: "tcp", address, port };
};

function unixPlace(path: string, problem: (what: string) => undefined): HttpPlace | undefined {
  if (path.includes("\0")) return problem("holds a byte 0, which no path does");
  if (path.endsWith("/")) return problem("is a folder; name the socket in it");
  const bytes = Buffer.byteLength(path);
  if (bytes <= unixPathMax) return { kind: "unix", path: beside(undefined, path) };
  return problem(`has ${bytes} bytes; the path of a socket has ${unixPathMax} at most`);
}

/** What was probably meant. */
function hintFor(text: string): string {
  const bare = parseAddress(text.replace(/^\[([^\]]*)\]$/, "$1"));
  if (bare !== undefined) {
    const host = bare.family === "ipv6" ? `[${formatAddress(bare)}]` : formatAddress(bare);
    return `; with a port: '${host}:8053'`;
  }
  if (/^localhost:\d+$/i.test(text)) {
    const [, port] = text.split(":");
    return `; that is 127.0.0.1 and ::1: { '127.0.0.1:${port}', '[::1]:${port}' }`;
  }
  if (/^(unix|https?):/i.test(text)) return "; leave out what stands before the place";
  return text.includes("/") ? "; the path of a socket begins with /" : "";
}

/** Whatever is wrong with it, no message holds it. */
const token: Check<string> = (value, where) => {
  const remedy = "make one with: openssl rand -hex 32";
  const text = value.kind === "string" ? value.text : undefined;
  const fault =
    text === undefined
      ? "it is no text"
      : text === ""
        ? "it is empty"
        : text.length > tokenMax
          ? `it has ${text.length} characters, more than ${tokenMax}`
          : /^[\x21-\x7e]*$/.test(text)
            ? undefined
            : "there are others in it";
  if (text === undefined || fault !== undefined) {
    const wanted = "must be of ASCII characters without spaces";
    where.report.problem(where, `${wanted}; ${fault}; ${remedy}`);
    return undefined;
  }
  if (text.length < tokenFair) {
    const size = text.length === 1 ? "1 character" : `${text.length} characters`;
    const what = `has ${size}, which can be guessed`;
    where.report.warning(where, `${what}; ${remedy}`);
  }
  return text;
};

export const httpKeys = {
  listen: optional(oneOrMore(place), "addresses with ports, and paths of Unix sockets"),
  token: optional(token, "what those show who may write, or read from elsewhere"),
  tls: preset(flag, false, "TCP speaks TLS, with the certificate of the daemon"),
};

const parts = table(httpKeys);

export const http = orFlag(false, (value, where) =>
  value.kind === "table"
    ? parts(value, where)
    : refuse(value, where, "false or a table, as in { listen = '127.0.0.1:8053' }"),
);

export type WrittenHttp = NonNullable<ReturnType<typeof http>>;

/** What the key stands for, or its absence. */
export function httpWish(written: WrittenHttp | undefined): HttpWish | false {
  if (written === false) return false;
  const { listen, token: secret, tls = false } = written ?? {};
  return {
    listen: listen ?? defaultPlaces,
    ...(secret === undefined ? {} : { token: secret }),
    isTls: tls,
    isDefault: listen === undefined,
  };
}

/** Where DNS is answered. */
interface DnsPlaces extends Pick<TlsPlaces, "listen"> {
  readonly ports: Ports;
}

/** Reports what does not fit together. */
export function checkHttp(
  wish: HttpWish | false,
  { choice }: CertificateSetting,
  dns: DnsPlaces,
  at: (path: string) => Where,
): void {
  if (wish === false) return;
  const { listen, isTls } = wish;
  if (isTls && choice.kind === "none") {
    const where = at("http.tls");
    where.report.problem(where, `needs a certificate, and ${choice.reason}; ${choice.remedy}`);
  }
  const { report } = at("http.listen");
  // A list whose items are all wrong is empty as well, and that has been said.
  if (listen.length === 0 && !report.hasErrors) {
    report.warning(at("http.listen"), "is empty: nothing listens; write http = false for that");
  }
  const whereOf = (index: number) => {
    const item = at(`http.listen[${index + 1}]`);
    const whole = at("http.listen");
    return item.spot === whole.spot && listen.length === 1 ? whole : item;
  };
  listen.forEach((one, index) => {
    const earlier = listen.findIndex((other) => overlap(one, other));
    if (earlier < index) {
      const text = `${placeText(one)} is listened on already, by ${placeText(listen[earlier] ?? one)}`;
      report.problem(whereOf(index), `${text}; leave one of them out`);
    }
    if (one.kind === "unix" || wish.isDefault) return;
    const protocol = dnsAt(one, dns);
    if (protocol !== undefined) {
      const text = `${placeText(one)} is where DNS is answered, by port.${protocol}`;
      report.problem(whereOf(index), `${text}; take another port`);
    }
    if (isLoopback(one.address)) return;
    checkOutside(placeText(one), wish, whereOf(index));
  });
}

/** A place that other hosts can reach. */
function checkOutside(text: string, { isTls, token: secret }: HttpWish, where: Where): void {
  if (!isTls) {
    const what = "is not loopback, and without TLS whoever is on the way reads the token too";
    const remedy = "set http.tls = true, or listen on 127.0.0.1";
    where.report.warning(where, `${text} ${what}; ${remedy}`);
  }
  if (secret === undefined) {
    const what = "answers nobody elsewhere while there is no token";
    where.report.warning(where, `${text} ${what}; set http.token, or listen on 127.0.0.1`);
  }
}

/** The protocol that has a place already. */
function dnsAt(
  { address, port }: HttpPlace & { kind: "tcp" },
  { ports, listen }: DnsPlaces,
): keyof Ports | undefined {
  const isShared = listen === "all" || listen.some((one) => isSameHost(one, address));
  return isShared ? streamPorts.find((name) => ports[name] === port) : undefined;
}

function isSameHost(one: Address, other: Address): boolean {
  if (one.family !== other.family) return false;
  return formatAddress(one) === formatAddress(other) || isEvery(one) || isEvery(other);
}

/** Whether one listener keeps the other from being opened. */
function overlap(one: HttpPlace, other: HttpPlace): boolean {
  if (one.kind === "unix" || other.kind === "unix") {
    return one.kind === other.kind && placeText(one) === placeText(other);
  }
  return one.port === other.port && isSameHost(one.address, other.address);
}

const isEvery = ({ bytes }: Address): boolean => bytes.every((byte) => byte === 0);

function isLoopback({ family, bytes }: Address): boolean {
  if (family === "ipv4") return bytes[0] === 127;
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** For `--print-json`. */
export function printHttp(wish: HttpWish | false): object | false {
  if (wish === false) return false;
  const { listen, token: secret, isTls } = wish;
  return {
    listen: listen.map(placeText),
    token: secret === undefined ? null : "***",
    tls: isTls,
  };
}
