// Lines for a shell: what dig and discli ask for that which is selected. Names
// come from devices, so a line has to stay one word per name in any shell, and
// no name may become an option: quotes are single ones, controls are escapes.

import { decimals, shown } from "./text.js";

const encoder = new TextEncoder();

/** Characters that zone files and dig protect with a backslash. */
const special = new Set('"();@$');

function byteText(byte: number): string {
  const character = String.fromCharCode(byte);
  if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, "0")}`;
  return special.has(character) ? `\\${character}` : character;
}

/** A leading sign would make the name an option of dig or discli. */
function withoutSign(name: string): string {
  return name.replace(/^[-+]/, decimals);
}

/** A name for people as zone files spell it; escapes in it stay what they are. */
export function zoneText(name: string): string {
  let text = "";
  for (const part of name.match(/\\\d{3}|\\.|[^\\]/gsu) ?? []) {
    if (/^\\(\d{3}|[!-~])$/.test(part)) text += part;
    else for (const byte of encoder.encode(part.replace(/^\\/, ""))) text += byteText(byte);
  }
  return text;
}

/** A word that a shell takes as it stands. */
export function quoted(word: string): string {
  return /^[\w.:@%/+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The parts of a name that says which service. */
export interface Instance {
  readonly instance: string;
  /** The whole name as zone files spell it. */
  readonly escaped: string;
  readonly type: string;
  readonly domain: string;
}

/** As people type it: the label without escapes, wherever that is read as one label. */
function typedInstance({ instance, escaped, type, domain }: Instance): string {
  const isPlain = shown(instance) === instance && !/\\|\._|^[-+]|\ufffd/.test(instance);
  if (isPlain) return `${instance}.${type}.${domain}`;
  // A dot before an underscore looks like the beginning of the type.
  return escaped.replaceAll("\\._", "\\.\\095");
}

/** Where a line asks. */
export interface Server {
  readonly address: string;
  readonly port: number;
}

/**
 * Which listener a line names: the one under which the browser found this page,
 * else one that others reach, else the host's own.
 *
 * @param listeners as /healthz lists them
 */
export function serverOf(listeners: readonly string[], hostname: string): Server | undefined {
  const found = listeners.flatMap((name) => {
    const [, address = "", port = ""] = /^\[?(.*?)\]?:(\d+)\/udp$/.exec(name) ?? [];
    return address === "" ? [] : [{ address, port: Number(port) }];
  });
  const own = hostname.replace(/^\[|\]$/g, "");
  return (
    found.find(({ address }) => address === own) ??
    found.find(({ address }) => !/^127\.|^::1$|^fe80:/i.test(address)) ??
    found[0]
  );
}

/** The lines for one server; without one the system's resolver is asked. */
export class Lines {
  readonly #server: Server | undefined;
  readonly #published: ReadonlySet<string>;

  /** @param published links in update mode: what is on them is asked of somebody else's server */
  constructor(server: Server | undefined, published: ReadonlySet<string> = new Set()) {
    this.#server = server;
    this.#published = published;
  }

  /** Lines for names that are answered by another server: the system's resolver finds it. */
  get elsewhere(): Lines {
    return new Lines(undefined);
  }

  /** Lines for what is on a link. */
  on(link: string | null): Lines {
    return link !== null && this.#published.has(link) ? this.elsewhere : this;
  }

  dig(name: string, type: string): string {
    const at = this.#server;
    const port = at === undefined || at.port === 53 ? "" : ` -p ${at.port}`;
    const server = at === undefined ? "" : ` @${at.address}${port}`;
    const text = withoutSign(zoneText(name)).replace(/(?<=[^\\.])\.$/, "");
    return `dig${server} ${quoted(type)} ${quoted(text)}`;
  }

  discli(command: string, ...words: readonly string[]): string {
    return ["discli", ...this.#option(), command, ...words.map(withoutSign)].map(quoted).join(" ");
  }

  /** What there is to know of one instance. */
  instance(service: Instance): string[] {
    return [
      this.discli("resolve", typedInstance(service)),
      this.dig(service.escaped, "SRV"),
      this.dig(service.escaped, "TXT"),
    ];
  }

  /** Every instance of a type, now and as they come and go. */
  type(type: string, domain: string): string[] {
    return [
      this.discli("browse", type, domain),
      `${this.discli("browse", type, domain)} --watch`,
      this.dig(`${type}.${domain}`, "PTR"),
    ];
  }

  /** Every type of a domain. */
  domain(domain: string): string[] {
    return [this.discli("browse", domain), this.dig(`_services._dns-sd._udp.${domain}`, "PTR")];
  }

  zone(zone: string): string[] {
    return [this.dig(zone, "SOA"), this.dig(zone, "NS")];
  }

  host(name: string): string[] {
    return [this.discli("query", name, "AAAA"), this.dig(name, "A"), this.dig(name, "AAAA")];
  }

  question(name: string, type: string): string[] {
    return [this.discli("query", name, type), this.dig(name, type)];
  }

  #option(): string[] {
    const at = this.#server;
    if (at === undefined) return [];
    const host = at.address.includes(":") && at.port !== 53 ? `[${at.address}]` : at.address;
    return ["--server", at.port === 53 ? host : `${host}:${at.port}`];
  }
}
