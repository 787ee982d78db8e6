// From discd.lua to a resolver, as an operator does it: `discli delegation print`
// writes the parent's records, BIND loads them, Unbound follows them.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { dig } from "./clients.js";
import { configure, top } from "./daemon.js";
import { F2, H, type Lab, laboratory, officeConfig, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, plainName, rec } from "./packet.js";

const it = needs("dig", "named", "named-checkzone", "unbound");
const discli = join(top, "bin", "discli");
let lab: Lab;
let printed: string;

laboratory(async (built) => {
  lab = built;
  const file = configure(officeConfig);
  printed = lab.run("px", `${discli} --config ${file} delegation print example.com`);
  // px itself lives in the parent zone; its addresses may be printed as well.
  const own = ["A 10.8.0.53", "AAAA 2001:db8:8::53"].map((data) => `px.example.com. ${data}`);
  const missing = /^px(\.example\.com\.)?\s/m.test(printed) ? [] : own;
  await lab.bind(
    "dns",
    ["10.9.0.53"],
    [{ origin: "example.com.", lines: [...missing, ...printed.split("\n")] }],
  );
  await lab.unbound("cli", 5301, ["10.9.0.53"]);
  await lab.discd(officeConfig);
  const device = await lab.device("dev1", "net1");
  device.answers("_ipp._tcp.local", "PTR", [
    rec("_ipp._tcp.local", "PTR", 4500, "Dr\\. Who._ipp._tcp.local"),
  ]);
  device.answers("tardis.local", "A", [flush(rec("tardis.local", "A", 120, "10.1.0.42"))]);
});

const resolve = (...words: string[]) =>
  dig(lab.enter("cli"), ["@127.0.0.1", "-p", "5301", "+recurse", ...words]);

it("[A1.4] named-checkzone accepts what `discli delegation print` writes", () => {
  const head = "$TTL 60\n@ SOA ns.example.com. h.example.com. 1 2 3 4 5\n@ NS ns.example.com.\n";
  const extra = "ns.example.com. A 192.0.2.1\n";
  const file = configure("", true);
  writeFileSync(file, `${head}${extra}${printed}\n`);
  expect(lab.run("px", `named-checkzone -i local example.com ${file}`)).toMatch(/OK$/m);
});

it("[A1.2] [A1.4] a resolver finds every delegated zone by the printed records", async () => {
  for (const zone of [R, H, F2]) {
    const soa = await resolve("SOA", `${zone}.`);
    expect(
      soa.answer.map(({ name, type }) => [name, type]),
      zone,
    ).toEqual([[plainName(zone), "SOA"]]);
  }
  const browse = await resolve("PTR", `_ipp._tcp.${R}.`);
  expect(browse.answer.map(({ data }) => plainName(data))).toEqual([
    plainName(`Dr\\. Who._ipp._tcp.${R}`),
  ]);
  const address = await resolve("A", `tardis.${H}.`);
  expect(address.answer.map(({ data }) => data)).toEqual(["10.1.0.42"]);
});

it("[A1.4] `discli domains` lists the apex and the floors from the parent zone", () => {
  const listed = lab.run("cli", `${discli} --server 127.0.0.1:5301 domains example.com`);
  const lines = listed.trimEnd().split("\n");
  const floors = ["Building 1.example.com", "floor2.example.com"];
  const of = (prefix: string) =>
    lines.filter((line) => line.startsWith(`${prefix} `)).map((line) => line.slice(24));
  expect(of("b").sort()).toEqual([...floors, "example.com"].sort());
  expect(of("lb").sort()).toEqual(floors);
  expect(of("db")).toEqual(["example.com"]);
});
