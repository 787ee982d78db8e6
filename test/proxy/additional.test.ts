// The additional section.

import { expect, test } from "vitest";
import { additional } from "../../src/proxy/additional.js";
import { visible } from "../../src/proxy/visible.js";
import {
  type Floor,
  ldh,
  lines,
  linkOf,
  names,
  optionsOf,
  question,
  reverse4,
  rich,
  rrs,
  text,
  vantage,
} from "./floor.js";

/** The sets that go along with the answers of a question. */
function beside(floor: Floor, asked: string): string[][] {
  const at = vantage(floor, question(asked));
  const answers = visible(at, question(asked)).rrs;
  return additional(at, answers).map((set) => text(set.map(({ rr }) => rr)));
}

const ptr = "_ipp._tcp.local. 4500 PTR i._ipp._tcp.local.";
const srv = "i._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.";
const txt = 'i._ipp._tcp.local. 4500 TXT "rp=x"';
const a = "prnt.local. 120 A 203.0.113.2";
const aaaa = "prnt.local. 120 AAAA 2001:db8::2";
const all = [ptr, srv, txt, a, aaaa];

const moved = {
  srv: lines(`i._ipp._tcp.${rich} 120 SRV 0 0 631 prnt.${ldh}`),
  txt: lines(`i._ipp._tcp.${rich} 4500 TXT "rp=x"`),
  a: lines(`prnt.${ldh} 120 A 203.0.113.2`),
  aaaa: lines(`prnt.${ldh} 120 AAAA 2001:db8::2`),
};

test("[DP-77] a PTR brings SRV, TXT and addresses, each under its own zone", () => {
  expect(beside({ announced: all }, `_ipp._tcp.${rich} PTR`)).toEqual([
    moved.srv,
    moved.txt,
    moved.a,
    moved.aaaa,
  ]);
});

test("[DP-77] an SRV brings the addresses", () => {
  expect(beside({ announced: all }, `i._ipp._tcp.${rich} SRV`)).toEqual([moved.a, moved.aaaa]);
});

test.each([`i._ipp._tcp.${rich} TXT`, `prnt.${ldh} A`, `prnt.${ldh} AAAA`])(
  "[DP-77] nothing beside %s",
  (asked) => {
    expect(beside({ announced: all }, asked)).toEqual([]);
  },
);

test("[DP-77] what is not in the cache is left out", () => {
  expect(beside({ announced: [ptr] }, `_ipp._tcp.${rich} PTR`)).toEqual([]);
  expect(beside({ announced: [ptr, txt] }, `_ipp._tcp.${rich} PTR`)).toEqual([moved.txt]);
});

test("[DP-57] [DP-77] what a client may not see is left out", () => {
  const announced = [
    ptr,
    srv,
    txt,
    a,
    "prnt.local. 120 AAAA fe80::1",
    "prnt.local. 1 A 169.254.1.1",
  ];
  expect(beside({ announced }, `_ipp._tcp.${rich} PTR`)).toEqual([moved.srv, moved.txt, moved.a]);
});

test("[DP-77] a set that is an answer already, or was told before, is not repeated", () => {
  expect(beside({ announced: all }, `i._ipp._tcp.${rich} ANY`)).toEqual([moved.a, moved.aaaa]);
  const second = [
    "_ipp._tcp.local. 4500 PTR j._ipp._tcp.local.",
    "j._ipp._tcp.local. 120 SRV 0 0 1 PRNT.local.",
  ];
  expect(beside({ announced: [...all, ...second] }, `_ipp._tcp.${rich} PTR`)).toEqual([
    moved.srv,
    moved.txt,
    moved.a,
    moved.aaaa,
    lines(`j._ipp._tcp.${rich} 120 SRV 0 0 1 PRNT.${ldh}`),
  ]);
});

test("[DP-77] in the host zone and under an alias everything stays there", () => {
  expect(beside({ announced: all }, `i._ipp._tcp.${ldh} SRV`)).toEqual([moved.a, moved.aaaa]);
  const options = optionsOf({ links: [linkOf({ aliases: names("floor1.mesh.") })] });
  expect(beside({ announced: [srv, a], options }, "i._ipp._tcp.floor1.mesh. SRV")).toEqual([
    lines("prnt.floor1.mesh. 120 A 203.0.113.2"),
  ]);
});

test("a reverse PTR brings nothing, nor do targets elsewhere", () => {
  const announced = [`2.${reverse4} 120 PTR prnt.local.`, a, "prnt.local. 1 SRV 0 0 1 x.local."];
  expect(beside({ announced }, `2.${reverse4} PTR`)).toEqual([]);
  const away = ["i._ipp._tcp.local. 120 SRV 0 0 631 host.example.org."];
  expect(beside({ announced: away }, `i._ipp._tcp.${rich} SRV`)).toEqual([]);
});

test("static records are told as well", () => {
  const options = optionsOf({ records: rrs(`prnt.${ldh} 300 A 192.0.2.7`) });
  expect(beside({ announced: [srv, a], options }, `i._ipp._tcp.${rich} SRV`)).toEqual([
    lines(`prnt.${ldh} 300 A 192.0.2.7`),
  ]);
});

test("TXT is told with what the operator adds", () => {
  const translate = [{ type: "*", txt: { x: "1" }, subtypes: [] }];
  const options = optionsOf({ links: [linkOf({ translate })] });
  expect(beside({ announced: [ptr, txt], options }, `_ipp._tcp.${rich} PTR`)).toEqual([
    lines(`i._ipp._tcp.${rich} 4500 TXT "rp=x" "x=1"`),
  ]);
});
