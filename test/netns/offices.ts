// What the two real avahi-daemons of the system tests announce: twenty services
// each, with the names that have broken proxies before.

import type { AvahiService } from "./avahi.js";

/** 63 bytes: the longest label there is (RFC 1035 §2.3.4). */
export const longestName = "This instance label is exactly sixty-three bytes long, see here";

const hardNames = [
  "Dr. Smith's Printer",
  "Büro Drucker ☕",
  "プリンター",
  "Back\\slash.dot",
  'The "quoted" one',
  longestName,
  "a.b.c...",
  "50% & <more>",
  "semi;colon, comma $ @ (x)",
  "  ",
];

/** Twenty services of a floor: ten printers with hard names, ten of other types. */
export function servicesOf(floor: string): AvahiService[] {
  const printers = hardNames.map((name, i) => ({
    name,
    type: "_ipp._tcp",
    port: 6310 + i,
    txt: [`floor=${floor}`, "txtvers=1", `rp=printers/${i}`, "note=a=b=c", "Duplex", "empty="],
    subtypes: i % 3 === 0 ? ["_universal._sub._ipp._tcp"] : [],
  }));
  const others: AvahiService[] = [
    { name: `Web ${floor}`, type: "_http._tcp", port: 80, subtypes: ["_printer._sub._http._tcp"] },
    { name: "Web", type: "_http._tcp", port: 8080, txt: ["adminurl=http://prnt.local/"] },
    { name: "Shell", type: "_ssh._tcp", port: 22 },
    { name: "Screen", type: "_rfb._tcp", port: 5900, txt: [{ key: "bin", hex: "00ff3d2e8000" }] },
    { name: "Files", type: "_smb._tcp", port: 445 },
    { name: "Time", type: "_ntp._udp", port: 123 },
    { name: "Scanner", type: "_uscan._tcp", port: 631, host: `scanner-${floor}.local` },
    { name: "Music", type: "_daap._tcp", port: 3689, txt: ["a=1", "A=2", "a=1"] },
    { name: "Chat", type: "_presence._tcp", port: 5298 },
    { name: `Only on ${floor}`, type: `_${floor}._tcp`, port: 7777 },
  ];
  return [...printers, ...others];
}
