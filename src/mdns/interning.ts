// One object for a name, however often it occurs in a packet and in the cache:
// a PTR's target is the owner of the SRV and TXT that come with it, and names
// are most of what a service costs in memory.

import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import { mapRdataNames } from "../wire/rr.js";

/** Labels of nearly every name: one string each for all of them. */
const frequent: ReadonlyMap<string, string> = new Map(
  [
    "local _tcp _udp _sub _dns-sd _services _ipp _ipps _printer _pdl-datastream _scanner _uscan",
    "_http _https _ssh _sftp-ssh _smb _afpovertcp _nfs _device-info _workstation _rfb _airplay",
    "_raop _airport _googlecast _spotify-connect _hap _companion-link _sleep-proxy _homekit",
    "in-addr ip6 arpa 0 1 2 3 4 5 6 7 8 9 a b c d e f",
  ].flatMap((line) => line.split(" ").map((label) => [label, label])),
);

/** Lives for one packet. Names that differ in case stay two (RFC 6762 §16). */
export class Interning {
  readonly #known: (key: string) => Name | undefined;
  readonly #seen = new Map<string, Name>();

  /** @param known  the name kept for a key, from earlier packets */
  constructor(known: (key: string) => Name | undefined) {
    this.#known = known;
  }

  name(name: Name): Name {
    const kept = this.#known(name.key) ?? this.#seen.get(name.key);
    if (kept !== undefined && isSpelledAlike(kept, name)) return kept;
    const compact = compactName(name);
    if (kept === undefined) this.#seen.set(name.key, compact);
    return compact;
  }

  /**
   * The rdata with its names replaced. The kinds that nearly all names occur in are spelled
   * out field by field: an object made at once is half the size of one that grew.
   */
  rdata(type: number, rdata: Rdata): Rdata {
    switch (rdata.kind) {
      case "ptr":
        return { kind: "ptr", target: this.name(rdata.target) };
      case "srv": {
        const { priority, weight, port } = rdata;
        return { kind: "srv", priority, weight, port, target: this.name(rdata.target) };
      }
      default:
        return mapRdataNames(type, rdata, (name) => this.name(name));
    }
  }
}

/** The same name, to be kept: sharing nothing with the packet it came in. */
export function compactName(name: Name): Name {
  const labels = name.labels.map((label) => frequent.get(label) ?? ownCopy(label));
  return { labels, key: ownCopy(name.key) };
}

/** The same text, sharing nothing: a slice of a packet's text would hold all of that. */
function ownCopy(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

function isSpelledAlike(a: Name, b: Name): boolean {
  return (
    a.labels.length === b.labels.length && a.labels.every((label, at) => label === b.labels[at])
  );
}
