// Interfaces as the kernel has them; every machine has at least loopback.

import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { formatPrefix, parsePrefix } from "../../src/address.js";
import { equalInterfaces, type PresentInterface, readInterfaces } from "../../src/os/interfaces.js";
import { findInterfaceInFiles, loadNative, type Native } from "../../src/os/native.js";

const found = await loadNative();
if ("reason" in found) throw new Error(found.reason);
const native: Native = found;
const find = (name: string) => native.findInterface(name);

test("loopback is there, with its addresses, flags and index", () => {
  const lo = readInterfaces(find).find(({ name }) => name === "lo");
  expect(lo).toMatchObject({ index: 1, mtu: 65_536, isLoopback: true, canMulticast: false });
  if (networkInterfaces().lo === undefined) return;
  expect(lo?.isUp).toBe(true);
  expect(lo?.addresses.map(formatPrefix)).toContain("127.0.0.1/8");
});

test("the C library and /sys agree", () => {
  const [native, files] = [find("lo"), findInterfaceInFiles("lo")];
  expect(native?.index).toBe(files?.index);
  expect(native?.mtu).toBe(files?.mtu);
  // IFF_RUNNING is not among the flags in /sys.
  expect((native?.flags ?? 0) & ~0x40).toBe((files?.flags ?? 0) & ~0x40);
});

test("an interface that is not there is none", () => {
  expect(find("none0")).toBeUndefined();
  expect(findInterfaceInFiles("none0")).toBeUndefined();
  expect(find("a-name-longer-than-any-interface-can-have")).toBeUndefined();
});

describe("an address with a label", () => {
  const ipv4 = { family: "IPv4", netmask: "", mac: "", internal: false } as const;
  const first = { ...ipv4, address: "192.0.2.1", cidr: "192.0.2.1/24" };
  const second = { ...ipv4, address: "198.51.100.1", cidr: "198.51.100.1/24" };
  // The kernel as well takes lo:1 for lo.
  const facts = (name: string) => find(name.replace(/:.*/, ""));

  test.each([
    ["belongs to its interface", { lo: [first], "lo:1": [second] }],
    [
      "and so it does when every address of that has one",
      { "lo:1": [first], "lo:vip:2": [second] },
    ],
  ])("%s", (_title, labelled) => {
    const present = readInterfaces(facts, [], labelled);
    expect(present.map(({ name }) => name).filter((name) => name.includes(":"))).toEqual([]);
    const [lo, ...others] = present.filter(({ index }) => index === 1);
    expect(others).toEqual([]);
    expect(lo?.addresses.map(formatPrefix)).toEqual(["192.0.2.1/24", "198.51.100.1/24"]);
  });
});

describe("what counts as a change", () => {
  const one: PresentInterface = {
    name: "eth0",
    index: 2,
    addresses: [parsePrefix("10.0.0.1/24")!],
    mtu: 1500,
    isUp: true,
    isLoopback: false,
    canMulticast: true,
  };
  const cases: readonly { name: string; other: readonly PresentInterface[]; want: boolean }[] = [
    { name: "nothing", other: [{ ...one }], want: true },
    { name: "another index: made anew", other: [{ ...one, index: 3 }], want: false },
    { name: "carrier lost", other: [{ ...one, isUp: false }], want: false },
    { name: "another MTU", other: [{ ...one, mtu: 9000 }], want: false },
    { name: "no address", other: [{ ...one, addresses: [] }], want: false },
    {
      name: "another prefix length",
      other: [{ ...one, addresses: [parsePrefix("10.0.0.1/16")!] }],
      want: false,
    },
    { name: "a VLAN", other: [{ ...one, vlan: 7 }], want: false },
    { name: "gone", other: [], want: false },
    { name: "one more", other: [one, { ...one, name: "eth1", index: 3 }], want: false },
  ];
  for (const { name, other, want } of cases) {
    test(name, () => expect(equalInterfaces([one], other)).toBe(want));
  }
});
