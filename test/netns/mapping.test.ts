// Names between the link and the delegated zones: questions out, owners and rdata
// back (RFC 8766 §5.1 to §5.5), with a scripted device on the link.

import { expect } from "vitest";
import { F2, H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, labelsOf, nameBytes, plainName, rec, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";
import { recordTexts } from "./unpack.js";

const it = needs("tcpdump", "dig");
const s = stage();

it.concurrent("[DP-5] names are matched by whole labels, ASCII case folded", async () => {
  s.dev1.answers("fold.local", "A", [flush(rec("fold.local", "A", 120, "10.1.0.11"))]);
  const inside = await s.client.ask("fold.BLDG-1.Example.COM", "A");
  expect(dataOf(inside.answers, types.A)).toEqual(["10.1.0.11"]);
  const outside = await s.client.ask("fold.xbldg-1.example.com", "A");
  expect(outside.rcode).toBe(5);
});

it.concurrent("[DP-6] a browse question goes out under .local with class 1", async () => {
  const since = now();
  const asked = s.client.ask(`_six._tcp.${R}`, "PTR");
  s.dev1.answers("_six._tcp.local", "PTR", [
    rec("_six._tcp.local", "PTR", 4500, "Six._six._tcp.local"),
  ]);
  await asked;
  const frames = await s.ear1.queries(s.mac1, "_six._tcp.local", "PTR", since);
  expect(frames.length).toBeGreaterThan(0);
  const questions = frames.flatMap(({ message }) => message?.questions ?? []);
  const own = questions.filter(({ name }) => name === "_six._tcp.local.");
  for (const question of own) expect(question).toMatchObject({ type: types.PTR, class: 1 });
});

it.concurrent("[DP-7] owners come back in the zone of the question", async () => {
  s.dev1.answers("seven.local", "A", [flush(rec("seven.local", "A", 120, "10.1.0.17"))]);
  for (const zone of [H, R]) {
    const reply = await s.client.ask(`seven.${zone}`, "A");
    expect(recordTexts(reply.answers)).toEqual([`${plainName(`seven.${zone}`)} A 10.1.0.17`]);
  }
});

const printer = [
  flush(rec("My Printer._ipp._tcp.local", "SRV", 120, [0, 0, 631, "prnt13.local"])),
  flush(rec("My Printer._ipp._tcp.local", "TXT", 4500, ["txtvers=1"])),
];

it.concurrent("[DP-11] [DP-13] an SRV in the rich zone points into the host zone", async () => {
  s.dev1.answers("My Printer._ipp._tcp.local", "SRV", [printer[0]!]);
  const dug = await s.lab.dig("SRV", `My\\032Printer._ipp._tcp.${R}.`);
  expect(dug.answer.map(({ name, data }) => [name, data])).toEqual([
    [plainName(`My Printer._ipp._tcp.${R}`), `0 0 631 prnt13.${H}.`],
  ]);
});

it.concurrent("[DP-13] [DP-14] without a host zone everything is in the rich one", async () => {
  const name = "Other._ipp._tcp.local";
  s.dev2.answers(name, "SRV", [flush(rec(name, "SRV", 120, [0, 0, 631, "prnt14.local"]))]);
  s.dev2.answers("prnt14.local", "A", [flush(rec("prnt14.local", "A", 120, "10.2.0.14"))]);
  const srv = await s.client.ask(`Other._ipp._tcp.${F2}`, "SRV");
  expect(dataOf(srv.answers, types.SRV)).toEqual([`0 0 631 prnt14.${F2}.`]);
  const address = await s.client.ask(`prnt14.${F2}`, "A");
  expect(dataOf(address.answers, types.A)).toEqual(["10.2.0.14"]);
});

it.concurrent("[DP-15] [DP-16] a reverse name goes out unchanged, its target mapped", async () => {
  const since = now();
  const v6 = "a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  for (const name of ["16.0.1.10.in-addr.arpa", v6]) {
    s.dev1.answers(name, "PTR", [flush(rec(name, "PTR", 120, "prnt16.local"))]);
    const reply = await s.client.ask(name, "PTR");
    expect(recordTexts(reply.answers)).toEqual([`${name}. PTR prnt16.${H}.`]);
    const [frame] = await s.ear1.queries(s.mac1, name, "PTR", since);
    expect(["224.0.0.251", "ff02:0000:0000:0000:0000:0000:0000:00fb"]).toContain(frame?.target);
  }
});

it.concurrent("[DP-35] [DP-36] .local is one whole label, any case, replaced once", async () => {
  for (const [target, want] of [
    ["a.LOCAL", `a.${H}.`],
    ["a.notlocal", "a.notlocal."],
    ["a.local.local", `a.local.${H}.`],
    ["host.example.org", "host.example.org."],
  ] as const) {
    const name = `${target.replaceAll(".", "-")}._n35._tcp.local`;
    s.dev1.answers(name, "SRV", [flush(rec(name, "SRV", 120, [1, 2, 3, target]))]);
    const reply = await s.client.ask(name.replace(/local$/, R), "SRV");
    expect(dataOf(reply.answers, types.SRV), target).toEqual([`1 2 3 ${want}`]);
  }
});

it.concurrent("[DP-37] [DP-39] the target of a CNAME asked for by address is a host", async () => {
  for (const [type, zone, target] of [
    ["A", H, `prnt37.${H}.`],
    ["A", R, `prnt37.${H}.`],
    ["TXT", R, `prnt37.${plainName(R)}`],
  ] as const) {
    const name = `thing37${type}${zone.length}.local`;
    s.dev1.answers(name, undefined, [
      flush(rec(name, "CNAME", 120, "prnt37.local")),
      flush(rec("prnt37.local", "A", 120, "10.1.0.37")),
      flush(rec("prnt37.local", "TXT", 120, ["t"])),
    ]);
    const reply = await s.client.ask(name.replace(/local$/, zone), type);
    expect(dataOf(reply.answers, types.CNAME), `${type} ${zone}`).toEqual([target]);
  }
});

it.concurrent("[DP-38] [DP-72] browse results stay in the rich zone, hosts leave it", async () => {
  s.dev1.answers("_n38._tcp.local", "PTR", [
    rec("_n38._tcp.local", "PTR", 4500, "Eins._n38._tcp.local"),
    rec("_n38._tcp.local", "PTR", 4500, "Zwei._n38._tcp.local"),
  ]);
  const name = "Eins._n38._tcp.local";
  s.dev1.answers(name, "SRV", [flush(rec(name, "SRV", 120, [0, 0, 9, "eins.local"]))]);
  const browse = await s.client.ask(`_n38._tcp.${R}`, "PTR");
  const zone = plainName(R);
  expect(dataOf(browse.answers, types.PTR).sort()).toEqual([
    `Eins._n38._tcp.${zone}`,
    `Zwei._n38._tcp.${zone}`,
  ]);
  const srv = await s.client.ask(`Eins._n38._tcp.${R}`, "SRV");
  expect(dataOf(srv.answers, types.SRV)).toEqual([`0 0 9 eins.${H}.`]);
});

it.concurrent("[DP-40] [DP-71] MX and HTTPS are rewritten, an unknown type is not", async () => {
  const opaque = Buffer.from("\x05local\x00", "latin1");
  s.dev1.answers("n40.local", "MX", [flush(rec("n40.local", "MX", 120, [5, "mail.local"]))]);
  s.dev1.answers("n40.local", "HTTPS", [flush(rec("n40.local", "HTTPS", 120, [1, "web.local"]))]);
  s.dev1.answers("n40.local", 65_280, [flush(rec("n40.local", 65_280, 120, opaque))]);
  const [mx, https, unknown] = await Promise.all([
    s.client.ask(`n40.${H}`, "MX"),
    s.client.ask(`n40.${H}`, "HTTPS"),
    s.client.ask(`n40.${H}`, 65_280),
  ]);
  expect(dataOf(mx.answers, types.MX)).toEqual([`5 mail.${H}.`]);
  expect(dataOf(https.answers, types.HTTPS)).toEqual([`1 web.${H}.`]);
  expect(unknown.answers.map((record) => record.raw.toString("hex"))).toEqual([
    opaque.toString("hex"),
  ]);
});

it.concurrent("[DP-41] [DP-147] a compressed SRV target is read, not repeated", async () => {
  const owner = "Eng._n41._tcp.local";
  // Answer section: the SRV's target is `prnt` and a pointer to the owner's last label.
  const head = Buffer.from("000084000000000100000000", "hex");
  const ownerBytes = nameBytes(owner);
  const localAt = 12 + ownerBytes.length - 7;
  const target = Buffer.concat([Buffer.from("\x04prnt", "latin1"), Buffer.of(0xc0, localAt)]);
  const fixed = Buffer.from("00218001000000780000", "hex");
  fixed.writeUInt16BE(6 + target.length, 8);
  const bytes = Buffer.concat([head, ownerBytes, fixed, Buffer.from([0, 0, 0, 0, 2, 119]), target]);
  s.dev1.answers(owner, "SRV", [], { send: () => bytes });
  const reply = await s.client.ask(`Eng._n41._tcp.${R}`, "SRV");
  const [srv] = reply.answers;
  expect(srv?.data).toBe(`0 0 631 prnt.${H}.`);
  expect(srv?.raw.subarray(6).equals(nameBytes(`prnt.${H}`))).toBe(true);
});

it.concurrent("[DP-43] no cache-flush bit, no record twice", async () => {
  s.dev1.answers("n43.local", "A", [flush(rec("n43.local", "A", 120, "10.1.0.43"))], {
    families: [4, 6],
  });
  await s.client.ask(`n43.${H}`, "A");
  await new Promise((resume) => setTimeout(resume, 300));
  const reply = await s.client.ask(`n43.${H}`, "A");
  const classes = [...reply.answers, ...reply.authorities, ...reply.additionals];
  expect(classes.map((record) => record.class)).toEqual(classes.map(() => 1));
  expect(reply.answers).toHaveLength(1);
});

it.concurrent("[DP-44] a CNAME brings its target's addresses, or comes alone in time", async () => {
  s.dev1.answers("thing44.local", "A", [flush(rec("thing44.local", "CNAME", 120, "to44.local"))]);
  s.dev1.answers("to44.local", "A", [flush(rec("to44.local", "A", 120, "10.1.0.44"))]);
  s.dev1.answers("lone44.local", "A", [flush(rec("lone44.local", "CNAME", 120, "no44.local"))]);
  const [both, lone] = await Promise.all([
    s.client.ask(`thing44.${H}`, "A"),
    s.client.ask(`lone44.${H}`, "A"),
  ]);
  expect(recordTexts(both.answers)).toEqual([
    `thing44.${H}. CNAME to44.${H}.`,
    `to44.${H}. A 10.1.0.44`,
  ]);
  expect(recordTexts(lone.answers)).toEqual([`lone44.${H}. CNAME no44.${H}.`]);
  expect(lone.rcode).toBe(0);
  expect(lone.ms).toBeLessThan(7000);
});

it.concurrent("[DP-66] neither Punycode nor UTF-8 is converted", async () => {
  for (const label of ["xn--bcher-kva", "bücher"]) {
    const name = `${label}.local`;
    s.dev1.answers(name, "A", [flush(rec(name, "A", 120, "10.1.0.66"))]);
    const reply = await s.client.ask(`${label}.${H}`, "A");
    expect(recordTexts(reply.answers)).toEqual([`${plainName(`${label}.${H}`)} A 10.1.0.66`]);
    expect(await s.ear1.queries(s.mac1, name, "A")).not.toEqual([]);
  }
});

it.concurrent("[DP-67] labels of any bytes pass, UTF-8 or not", async () => {
  const type = labelsOf("_n67._tcp");
  const local = labelsOf("local");
  const subtype = [Buffer.from([0xff, 0x00, 0x80]), Buffer.from("_sub"), ...type];
  const instance = [Buffer.from("Büro 2.OG (v1.0)"), ...type];
  const target = nameBytes([...instance, ...local]);
  const asked = plainName([...subtype, ...local]);
  s.dev1.answers(asked, "PTR", [rec([...subtype, ...local], "PTR", 4500, target)]);
  const reply = await s.client.ask(plainName([...subtype, ...labelsOf(R)]), "PTR");
  expect(recordTexts(reply.answers)).toEqual([
    `${plainName([...subtype, ...labelsOf(R)])} PTR ${plainName([...instance, ...labelsOf(R)])}`,
  ]);
});

it.concurrent("[DP-68] only ASCII letters are folded", async () => {
  s.dev1.answers("_n68._tcp.local", "PTR", [
    rec("_n68._tcp.local", "PTR", 4500, "x._n68._tcp.local"),
  ]);
  const folded = await s.client.ask(`_N68._TCP.${R}`, "PTR");
  expect(folded.answers).toHaveLength(1);
  const pairs = [
    ["büro68", "BÜRO68"],
    ["caf\u00e9", "cafe\u0301"],
    ["kelvin68", "\u212aelvin68"],
  ] as const;
  s.dev1.announce(pairs.map(([name]) => flush(rec(`${name}.local`, "A", 120, "10.1.0.68"))));
  const strangers = await Promise.all(pairs.map(([, other]) => s.client.ask(`${other}.${H}`, "A")));
  for (const reply of strangers) expect(isNodata(reply, H)).toBe(true);
  const friends = await Promise.all(pairs.map(([name]) => s.client.ask(`${name}.${H}`, "A")));
  for (const reply of friends) expect(dataOf(reply.answers, 1)).toEqual(["10.1.0.68"]);
});

it.concurrent("[DP-69] the question is echoed, the device's capitals stay", async () => {
  s.dev1.answers("_n69._tcp.local", "PTR", [
    rec("_n69._tcp.local", "PTR", 4500, "MixedCase._n69._tcp.local"),
  ]);
  const asked = `_N69._tCp.bUiLdInG\\0321.ExAmPlE.cOm`;
  for (let round = 0; round < 2; round++) {
    const reply = await s.client.ask(asked, "PTR");
    expect(reply.questions[0]?.name).toBe(plainName(asked));
    const [target] = dataOf(reply.answers, types.PTR);
    expect(target?.startsWith("MixedCase._n69._tcp.")).toBe(true);
    expect(target).toBe(`MixedCase._n69._tcp.${plainName(R)}`);
  }
});
