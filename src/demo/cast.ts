// The devices of the demo link. Their names hold what real ones hold: a dot, a
// quote, accents, an emoji, Japanese. The addresses are of the ranges set aside
// for documentation (RFC 5737 §3, RFC 3849 §2), so that nothing here can be
// mistaken for a host; one is link-local, to see that it does not leave the link.

import { type Address, type Family, type Prefix, parseAddress, parsePrefix } from "../address.js";
import { assert } from "../assert.js";
import { type Duration, seconds } from "../time.js";
import type { Device } from "./device.js";

/** A device, and how it speaks on the link. */
export interface Player {
  readonly device: Device;
  readonly families: readonly Family[];
  /** A device that comes and goes; the others stay. */
  readonly visits?: { readonly here: Duration; readonly away: Duration };
}

/** The subnets of the demo link. */
export const demoNetworks: readonly Prefix[] = ["192.0.2.0/24", "2001:db8::/64"].map((text) => {
  const prefix = parsePrefix(text);
  assert(prefix !== undefined, "a prefix written here is one");
  return prefix;
});

function addresses(...texts: string[]): readonly Address[] {
  return texts.map((text) => {
    const address = parseAddress(text);
    assert(address !== undefined, "an address written here is one");
    return address;
  });
}

const smith: Player = {
  families: ["ipv4", "ipv6"],
  device: {
    host: "dr-smiths-printer",
    addresses: addresses("192.0.2.11", "2001:db8::11", "fe80::11"),
    services: [
      {
        instance: "Dr. Smith's Printer",
        type: "_ipp._tcp",
        port: 631,
        subtypes: ["_universal", "_print"],
        txt: [
          "txtvers=1",
          "qtotal=1",
          "rp=ipp/print",
          "ty=Example LaserWriter 3100",
          "note=2nd floor, room 2.14",
          "adminurl=http://dr-smiths-printer.local/",
          "pdl=application/pdf,image/urf",
          "URF=W8,SRGB24,RS600",
          "Color=F",
          "Duplex=T",
        ],
      },
      {
        instance: "Dr. Smith's Printer",
        type: "_printer._tcp",
        port: 515,
        subtypes: [],
        txt: ["txtvers=1", "rp=print", "ty=Example LaserWriter 3100"],
      },
    ],
  },
};

/** Speaks IPv4 only, so that its IPv6 address is denied, not waited for. */
const japanese: Player = {
  families: ["ipv4"],
  device: {
    host: "purinta",
    addresses: addresses("192.0.2.12"),
    services: [
      {
        instance: "プリンター",
        type: "_ipp._tcp",
        port: 631,
        subtypes: ["_universal"],
        txt: ["txtvers=1", "rp=ipp/print", "ty=Example インクジェット", "note=二階", "Color=T"],
      },
    ],
  },
};

/** Speaks IPv6 only. */
const scanner: Player = {
  families: ["ipv6"],
  device: {
    host: "buero-scanner",
    addresses: addresses("2001:db8::13"),
    services: [
      {
        instance: "Büro Scanner ☕",
        type: "_uscan._tcp",
        port: 80,
        subtypes: [],
        txt: ["txtvers=1", "rs=eSCL", "ty=Example Scan 12", "note=Büro, neben der Kaffeemaschine"],
      },
    ],
  },
};

const fileServer: Player = {
  families: ["ipv4", "ipv6"],
  device: {
    host: "archive",
    addresses: addresses("192.0.2.14", "2001:db8::14"),
    services: [
      { instance: "Archive", type: "_smb._tcp", port: 445, subtypes: [], txt: [] },
      { instance: "Archive", type: "_ssh._tcp", port: 22, subtypes: [], txt: [] },
    ],
  },
};

const visitor: Player = {
  families: ["ipv4", "ipv6"],
  visits: { here: seconds(60), away: seconds(30) },
  device: {
    host: "visitors-laptop",
    addresses: addresses("192.0.2.15", "2001:db8::15"),
    services: [
      { instance: "Visitor's Laptop", type: "_ssh._tcp", port: 22, subtypes: [], txt: [] },
    ],
  },
};

export const cast: readonly Player[] = [smith, japanese, scanner, fileServer, visitor];
