// Whether a link has a querier, heard through what the system gives: messages as in
// RFC 2236 and RFC 3376, the kernel's counts as it prints them.

import { expect, test } from "vitest";
import type { Input } from "../../src/engine/io.js";
import { isIgmpQuery, mldQueriesIn, QuerierEars } from "../../src/os/querier-ears.js";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** IPv4 from 0.0.0.0 to 224.0.0.1 with a Router Alert option, TTL 1. */
const header = "46c00024 00004000 01020000 00000000 e0000001 94040000";
const general = "1164ee9b 00000000 02 7d 0000";

test("queries of every version are told from reports, leaves and what is broken", () => {
  expect(isIgmpQuery(hex(`${header} ${general}`))).toBe(true);
  expect(isIgmpQuery(hex(`${header} 1164ee9b 00000000`))).toBe(true);
  expect(isIgmpQuery(hex(`${header} 1100eeff 00000000`))).toBe(true);
  expect(isIgmpQuery(hex(`${header} 16000904 e00000fb`))).toBe(false);
  expect(isIgmpQuery(hex(`${header} 17000804 e00000fb`))).toBe(false);
  expect(isIgmpQuery(hex(`${header} 2200f902 00000001 04000000 e00000fb`))).toBe(false);
  const whole = hex(`${header} ${general}`);
  for (let length = 0; length < 32; length++)
    expect(isIgmpQuery(whole.slice(0, length))).toBe(false);
  expect(isIgmpQuery(hex(`60${header.slice(2)} ${general}`))).toBe(false);
});

test("the kernel's count of MLD queries is found among the others", () => {
  const text =
    "ifIndex\t3\nIp6InReceives\t7\nIcmp6InGroupMembQueries         \t12\nIcmp6OutMsgs\t9\n";
  expect(mldQueriesIn(text)).toBe(12);
  expect(mldQueriesIn("Icmp6InMsgs\t9\n")).toBeUndefined();
});

/** Sockets that say what a test lays into them. */
function stage() {
  const opened = new Map<number, string>();
  const waiting = new Map<string, Uint8Array[]>();
  const heard: string[] = [];
  const logged: string[] = [];
  let fds = 10;
  let refusal: string | undefined;
  const native = {
    openIgmp(name: string) {
      if (refusal !== undefined) throw Object.assign(new Error("no"), { code: refusal });
      opened.set(++fds, name);
      return fds;
    },
    receive(fd: number, into: Uint8Array) {
      const message = waiting.get(opened.get(fd) ?? "")?.shift();
      into.set(message?.subarray(0, into.length) ?? []);
      return message?.length;
    },
    close: (fd: number) => void opened.delete(fd),
  };
  const log = {
    event: (_: string, name: string, fields?: object) =>
      void logged.push(`${name} ${JSON.stringify(fields)}`),
  };
  const tell = (input: Input) =>
    void heard.push(input.kind === "querier" ? `${input.link} ${input.family} ${input.news}` : "?");
  return {
    ears: new QuerierEars(native, log, tell),
    opened,
    logged,
    say: (name: string, ...messages: Uint8Array[]) => waiting.set(name, messages),
    refuse: (code: string) => {
      refusal = code;
    },
    told: () => heard.splice(0),
  };
}

const link = (name: string, index = 1) => ({ link: name, index, families: ["ipv4"] as const });

test("each link is listened to while it has sockets, and anew when its interface is another one", () => {
  const { ears, opened, told } = stage();
  ears.follow([link("eth0", 1), link("eth1", 2)]);
  expect(told()).toEqual(["eth0 ipv4 listening", "eth1 ipv4 listening"]);
  ears.follow([link("eth0", 1), link("eth1", 7)]);
  expect(told()).toEqual(["eth1 ipv4 closed", "eth1 ipv4 listening"]);
  ears.follow([link("eth1", 7)]);
  expect(told()).toEqual(["eth0 ipv4 closed"]);
  expect([...opened.values()]).toEqual(["eth1"]);
  ears.close();
  expect(opened.size).toBe(0);
});

test("a query among other messages is heard once, on its own link", () => {
  const { ears, say, told } = stage();
  const links = [link("eth0"), link("eth1")];
  ears.follow(links);
  told();
  const query = hex(`${header} ${general}`);
  say("eth1", hex(`${header} 16000904 e00000fb`), query, query);
  ears.follow(links);
  expect(told()).toEqual(["eth1 ipv4 heard"]);
  ears.follow(links);
  expect(told()).toEqual([]);
});

test("one look reads no more than 64 messages: a flood holds up nobody", () => {
  const { ears, say, told } = stage();
  ears.follow([link("eth0")]);
  told();
  const report = hex(`${header} 16000904 e00000fb`);
  say("eth0", ...Array.from({ length: 64 }, () => report), hex(`${header} ${general}`));
  ears.follow([link("eth0")]);
  expect(told()).toEqual([]);
  ears.follow([link("eth0")]);
  expect(told()).toEqual(["eth0 ipv4 heard"]);
});

test("without the right it is said once, and each link is known to be deaf", () => {
  const { ears, refuse, told, logged } = stage();
  refuse("EPERM");
  ears.follow([link("eth0"), link("eth1")]);
  ears.follow([link("eth0"), link("eth1")]);
  expect(told()).toEqual(["eth0 ipv4 deaf", "eth1 ipv4 deaf"]);
  expect(logged).toEqual([expect.stringContaining("CAP_NET_RAW")]);
});
