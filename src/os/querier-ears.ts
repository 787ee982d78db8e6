// Hears whether somebody on a link asks who is in which multicast group. IGMP queries
// come to a raw socket, which takes CAP_NET_RAW; of MLD queries the kernel keeps a count
// for each interface that everybody may read. Both are looked at every two seconds, when
// interfaces are: a querier asks every two minutes, and has to be heard in four.

import { readFileSync } from "node:fs";
import type { Family } from "../address.js";
import type { Input, LinkId } from "../engine/io.js";
import type { QuerierNews } from "../engine/watchdog.js";
import type { Log } from "../log.js";
import { codeOf } from "./multicast.js";
import type { Native } from "./native.js";

/** A link with sockets. */
export interface HeardLink {
  readonly link: LinkId;
  /** Of its interface. */
  readonly index: number;
  readonly families: readonly Family[];
}

/** Messages read at one look: who sends more of them than that keeps nobody from working. */
const messagesMax = 64;

/** An IPv4 header with all its options, and an IGMP query without its sources. */
const messageSize = 72;

const igmp = 2;
const membershipQuery = 0x11;

/** One family of one link. */
interface Ear {
  readonly index: number;
  /** Whether a query has come since the last look. */
  look(): boolean;
  close(): void;
}

export class QuerierEars {
  readonly #native: Pick<Native, "openIgmp" | "receive" | "close"> | undefined;
  readonly #log: Log;
  readonly #tell: (input: Input) => void;
  /** By link and family; undefined: it cannot be heard. */
  readonly #ears = new Map<
    string,
    { readonly link: LinkId; family: Family; ear: Ear | undefined }
  >();
  readonly #message = new Uint8Array(messageSize);
  #hasComplained = false;

  constructor(
    native: Pick<Native, "openIgmp" | "receive" | "close"> | undefined,
    log: Log,
    tell: (input: Input) => void,
  ) {
    this.#native = native;
    this.#log = log;
    this.#tell = tell;
  }

  /** Listens where there are sockets now, and tells what was heard since the last time. */
  follow(links: readonly HeardLink[]): void {
    const wanted = new Map(
      links.flatMap((place) =>
        place.families.map((family) => [`${place.link} ${family}`, { place, family }]),
      ),
    );
    for (const [key, { link, family, ear }] of this.#ears) {
      const place = wanted.get(key)?.place;
      if (place !== undefined && (ear === undefined || ear.index === place.index)) continue;
      ear?.close();
      this.#ears.delete(key);
      this.#say(link, family, "closed");
    }
    for (const [key, { place, family }] of wanted) {
      if (this.#ears.has(key)) continue;
      const { link } = place;
      const ear = family === "ipv4" ? this.#openIgmp(place) : openMld(place);
      this.#ears.set(key, { link, family, ear });
      this.#say(link, family, ear === undefined ? "deaf" : "listening");
    }
    for (const { link, family, ear } of this.#ears.values()) {
      if (ear?.look()) this.#say(link, family, "heard");
    }
  }

  close(): void {
    for (const { ear } of this.#ears.values()) ear?.close();
    this.#ears.clear();
  }

  #say(link: LinkId, family: Family, news: QuerierNews): void {
    this.#tell({ kind: "querier", link, family, news });
  }

  #openIgmp({ link: name, index }: HeardLink): Ear | undefined {
    const native = this.#native;
    if (native === undefined) return undefined;
    let fd: number;
    try {
      fd = native.openIgmp(name);
    } catch (error) {
      this.#complain(codeOf(error));
      return undefined;
    }
    const message = this.#message;
    const look = () => {
      let isHeard = false;
      for (let count = 0; count < messagesMax; count++) {
        const length = native.receive(fd, message);
        if (length === undefined) break;
        isHeard ||= isIgmpQuery(message.subarray(0, Math.min(length, message.length)));
      }
      return isHeard;
    };
    return { index, look, close: () => native.close(fd) };
  }

  /** Once: it is the same for every link. */
  #complain(code: string): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    const remedy = "nothing else needs it: give discd CAP_NET_RAW to know of IGMP queriers";
    this.#log.event("info", "queriers-unheard", { code, remedy });
  }
}

/**
 * Whether a datagram of a raw socket, IPv4 header included, is an IGMP query (RFC 3376 §4.1, and
 * those of older versions). Its source may be 0.0.0.0: so ask switches that have no address.
 */
export function isIgmpQuery(bytes: Uint8Array): boolean {
  const [first = 0] = bytes;
  const headerSize = (first & 15) * 4;
  if (first >> 4 !== 4 || headerSize < 20 || bytes.length < headerSize + 8) return false;
  return bytes[9] === igmp && bytes[headerSize] === membershipQuery;
}

/** Undefined where the kernel keeps no count. */
function openMld({ link: name, index }: HeardLink): Ear | undefined {
  let known = readMldQueries(name);
  if (known === undefined) return undefined;
  const look = () => {
    const count = readMldQueries(name);
    const isMore = count !== undefined && known !== undefined && count > known;
    known = count ?? known;
    return isMore;
  };
  return { index, look, close: () => {} };
}

function readMldQueries(name: string): number | undefined {
  try {
    const text = readFileSync(`/proc/net/dev_snmp6/${name}`, "latin1");
    return mldQueriesIn(text);
  } catch {
    return undefined;
  }
}

/** MLD queries that came in on an interface, as the kernel counts them. */
export function mldQueriesIn(text: string): number | undefined {
  const found = /^Icmp6InGroupMembQueries\s+(\d+)$/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
