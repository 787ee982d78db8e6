// Which addresses and ports are listened on, and what happens where the system
// refuses: with openers that refuse as the test says.

import { describe, expect, test } from "vitest";
import { type Address, parseAddress, parsePrefix } from "../../src/address.js";
import type { Log } from "../../src/log.js";
import type { PresentInterface } from "../../src/os/interfaces.js";
import {
  addressesOf,
  Listening,
  type ListenSettings,
  placeOf,
  StartError,
} from "../../src/os/listening.js";
import { portNames } from "../../src/os/port-plan.js";

function present(addresses: Readonly<Record<string, readonly string[]>>): PresentInterface[] {
  return Object.entries(addresses).map(([name, texts], at) => ({
    name,
    index: at + 1,
    addresses: texts.map((text) => {
      const prefix = parsePrefix(text)!;
      return text.startsWith("fe80")
        ? { ...prefix, address: { ...prefix.address, zone: name } }
        : prefix;
    }),
    mtu: 1500,
    isUp: true,
    isLoopback: name === "lo",
    canMulticast: name !== "lo",
  }));
}

const host = present({
  lo: ["127.0.0.1/8", "::1/128"],
  eth0: ["192.0.2.53/24", "2001:db8::53/64", "fe80::53/64"],
});

/** Ordinary DNS alone; further down the other ports join in. */
const plain = { udp: 53, tcp: 53, tls: false, llq: false, push: false } as const;
const all: ListenSettings = { listen: "all", ports: plain, defaultPorts: portNames };
const list = (...texts: string[]): Address[] => texts.map((text) => parseAddress(text)!);

/** Openers that keep a list of what is open, in the order of opening. */
class System {
  readonly open = new Set<string>();
  readonly lines: string[] = [];
  refuse: (address: string, port: number, transport: string) => string | undefined = () =>
    undefined;

  listening(): Listening {
    const log: Log = {
      event: (_, name, fields) => this.lines.push(`${name} ${JSON.stringify(fields)}`),
    };
    const opener = (transport: string) => async (address: string, port: number) => {
      const code = this.refuse(address, port, transport);
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      const id = `${address.includes(":") ? `[${address}]` : address}:${port}/${transport}`;
      this.open.add(id);
      return { id, port, close: () => this.open.delete(id) };
    };
    return new Listening({ udp: opener("udp"), tcp: opener("tcp"), tls: opener("tls") }, log);
  }

  get sorted(): string[] {
    return [...this.open].sort();
  }

  count(event: string): number {
    return this.lines.filter((line) => line.startsWith(`${event} `)).length;
  }
}

describe("addresses", () => {
  const cases: readonly { name: string; listen: ListenSettings["listen"]; want: string[] }[] = [
    {
      name: "all: every one but link-local",
      listen: "all",
      want: ["127.0.0.1", "::1", "192.0.2.53", "2001:db8::53"],
    },
    { name: "listed: as listed", listen: list("192.0.2.53"), want: ["192.0.2.53"] },
    { name: "listed, not there: tried", listen: list("192.0.2.99"), want: ["192.0.2.99"] },
    { name: "link-local, when listed", listen: list("fe80::53%eth0"), want: ["fe80::53%eth0"] },
    { name: "0.0.0.0: all of IPv4", listen: list("0.0.0.0"), want: ["127.0.0.1", "192.0.2.53"] },
    {
      name: ":: and one of its own, each once",
      listen: list("::", "::1"),
      want: ["::1", "2001:db8::53"],
    },
  ];
  for (const { name, listen, want } of cases) {
    test(name, async () => {
      const system = new System();
      const udp = { ...all, listen, ports: { ...plain, tcp: false } as const };
      await system.listening().start(udp, host);
      const places = want.map((text) => (text.includes(":") ? `[${text}]:53` : `${text}:53`));
      expect(system.sorted).toEqual(places.map((place) => `${place}/udp`).sort());
    });
  }

  test("an address on two interfaces is one", () => {
    const twice = present({ eth0: ["192.0.2.53/24"], eth1: ["192.0.2.53/32"] });
    expect(addressesOf(all, twice)).toHaveLength(1);
  });
});

describe("following", () => {
  const one = { ...all, ports: { ...plain, tcp: false } as const };

  test("opens what appears, closes what is gone, leaves the rest alone", async () => {
    const system = new System();
    const listening = system.listening();
    await listening.start(one, present({ lo: ["127.0.0.1/8"] }));
    system.lines.length = 0;
    await listening.follow(one, present({ lo: ["127.0.0.1/8"], eth0: ["192.0.2.1/24"] }));
    expect(listening.listeners).toEqual(["127.0.0.1:53/udp", "192.0.2.1:53/udp"]);
    await listening.follow(one, present({ lo: ["127.0.0.1/8"] }));
    expect(system.sorted).toEqual(["127.0.0.1:53/udp"]);
    expect([system.count("listening"), system.count("listener-closed")]).toEqual([1, 1]);
  });

  test("a scoped address is opened anew when its interface was made anew", async () => {
    const system = new System();
    const listening = system.listening();
    const scoped = { ...one, listen: list("fe80::1%eth0") };
    const eth0 = present({ eth0: ["fe80::1/64"] });
    await listening.start(scoped, eth0);
    await listening.follow(scoped, [{ ...eth0[0]!, index: 9 }]);
    expect(system.count("listening")).toBe(2);
  });

  test("what is refused is tried again, and complained about once", async () => {
    const system = new System();
    const listening = system.listening();
    await listening.start(one, present({ lo: ["127.0.0.1/8"] }));
    const both = present({ lo: ["127.0.0.1/8"], eth0: ["192.0.2.1/24"] });
    system.refuse = () => "EADDRNOTAVAIL";
    for (let look = 0; look < 3; look++) await listening.follow(one, both);
    expect(system.count("not-listening")).toBe(1);
    system.refuse = () => undefined;
    await listening.follow(one, both);
    expect(system.sorted).toContain("192.0.2.1:53/udp");
  });

  test("looks that overlap open nothing twice", async () => {
    const system = new System();
    const listening = system.listening();
    const eth0 = present({ eth0: ["192.0.2.1/24"] });
    await Promise.all([listening.follow(one, eth0), listening.follow(one, eth0)]);
    expect(system.count("listening")).toBe(1);
  });

  test("ports that change are opened anew", async () => {
    const system = new System();
    const listening = system.listening();
    await listening.start(one, present({ lo: ["127.0.0.1/8"] }));
    const other: ListenSettings = {
      ...all,
      ports: { ...plain, udp: false, tcp: 5301 },
      defaultPorts: [],
    };
    await listening.follow(other, present({ lo: ["127.0.0.1/8"] }));
    expect(system.sorted).toEqual(["127.0.0.1:5301/tcp"]);
  });
});

describe("refusals", () => {
  const lo = present({ lo: ["127.0.0.1/8"], eth0: ["192.0.2.1/24"] });
  const written = { ...all, defaultPorts: [] };

  test("without the right to 53, default ports move, both of them, also later", async () => {
    const system = new System();
    system.refuse = (_, port, transport) =>
      port < 1024 && transport === "udp" ? "EACCES" : undefined;
    const listening = system.listening();
    await listening.start(all, lo);
    expect(new Set(system.sorted.map((id) => id.replace(/.*:/, "")))).toEqual(
      new Set(["5300/udp", "5300/tcp"]),
    );
    expect(system.lines.find((line) => line.startsWith("ports-moved"))).toMatch(
      /"5300\/tcp","5300\/udp".*no right to bind port 53"/,
    );
    await listening.follow(all, present({ lo: ["127.0.0.1/8"], eth1: ["192.0.2.2/24"] }));
    expect(system.sorted).toContain("192.0.2.2:5300/udp");
  });

  test("they move later, too, when there was no address at the start", async () => {
    const system = new System();
    system.refuse = (_, port) => (port < 1024 ? "EACCES" : undefined);
    const listening = system.listening();
    await listening.start(all, []);
    expect(system.lines.join("\n")).toMatch(/^not-listening .*no address/);
    await listening.follow(all, lo);
    expect(system.sorted).toHaveLength(4);
    expect(system.sorted.every((id) => id.includes(":5300/"))).toBe(true);
    expect(system.count("ports-moved")).toBe(1);
  });

  test("nowhere on purpose is no warning, from the start or after a reload", async () => {
    const system = new System();
    const listening = system.listening();
    const nowhere = { ...all, listen: [] };
    await listening.start(nowhere, lo);
    await listening.follow(all, lo);
    expect(system.sorted).not.toEqual([]);
    await listening.follow(nowhere, lo);
    expect(system.sorted).toEqual([]);
    const told = system.lines.filter((line) => line.startsWith("not-listening"));
    expect(told).toHaveLength(2);
    for (const line of told) expect(line).toContain("no query is waited for");
  });

  test("written ports do not move", async () => {
    const system = new System();
    system.refuse = (_, port) => (port < 1024 ? "EACCES" : undefined);
    const start = system.listening().start(written, lo);
    await expect(start).rejects.toThrow(StartError);
    await expect(start).rejects.toThrow(
      /^cannot listen on 127\.0\.0\.1:53 \(UDP\): permission denied; .*CAP_NET_BIND_SERVICE/,
    );
    expect(system.sorted).toEqual([]);
  });

  test("a default port that is taken on one address is left to its owner", async () => {
    const system = new System();
    system.refuse = (address) => (address === "127.0.0.1" ? "EADDRINUSE" : undefined);
    await system.listening().start(all, lo);
    expect(system.sorted).toEqual(["192.0.2.1:53/tcp", "192.0.2.1:53/udp"]);
    expect(system.lines.join("\n")).toMatch(/127\.0\.0\.1:53 \(UDP\): already in use/);
  });

  test("one that is taken everywhere is an error", async () => {
    const system = new System();
    system.refuse = () => "EADDRINUSE";
    await expect(system.listening().start(all, lo)).rejects.toThrow(/in use; .*listen/);
  });

  test("a written port that is taken on one address is an error", async () => {
    const system = new System();
    system.refuse = (address) => (address === "127.0.0.1" ? "EADDRINUSE" : undefined);
    await expect(system.listening().start(written, lo)).rejects.toThrow(/127\.0\.0\.1:53/);
  });

  test("a listed address that no interface has yet is waited for", async () => {
    const system = new System();
    system.refuse = () => "EADDRNOTAVAIL";
    const listening = system.listening();
    const later = { ...written, listen: list("192.0.2.53") };
    await listening.start(later, lo);
    expect(system.lines.join("\n")).toMatch(/192\.0\.2\.53: .*as soon as/);
    expect(system.count("not-listening")).toBe(2);
    system.refuse = () => undefined;
    await listening.follow(later, lo);
    expect(system.sorted).toHaveLength(2);
  });

  test("so is one of an interface that is not there, for which systems have other words", async () => {
    const system = new System();
    system.refuse = () => "EINVAL";
    const listening = system.listening();
    const later = { ...written, listen: list("fe80::1%eth7") };
    await listening.start(later, lo);
    expect(system.lines.join("\n")).toMatch(/fe80::1%eth7: .*as soon as/);
    system.refuse = () => undefined;
    await listening.follow(later, present({ eth7: ["fe80::1/64"] }));
    expect(system.sorted).toHaveLength(2);
  });
});

describe("the ports of TLS, LLQ and Push", () => {
  const one = present({ lo: ["127.0.0.1/8"] });
  const every: ListenSettings = {
    listen: "all",
    ports: { udp: 53, tcp: 53, tls: 853, llq: 5352, push: 853 },
    defaultPorts: portNames,
    credentials: { cert: "", key: "", names: [] },
  };
  const shortly = (system: System) => system.sorted.map((id) => id.replace("127.0.0.1:", ""));

  test("[TLS-01] by default five sockets an address, Push and TLS on one", async () => {
    const system = new System();
    const listening = system.listening();
    await listening.start(every, one);
    expect(shortly(system)).toEqual(["53/tcp", "53/udp", "5352/tcp", "5352/udp", "853/tls"]);
    expect(listening.takesPush("127.0.0.1:853/tls")).toBe(true);
    expect(listening.takesPush("127.0.0.1:53/tcp")).toBe(false);
    const open = { push: 853, llqUdp: 5352, llqTcp: 5352, llqTls: 853 };
    expect(listening.openPorts(every)).toEqual(open);
  });

  test("TLS without a certificate is closed, and offers nothing", async () => {
    const system = new System();
    const listening = system.listening();
    const { credentials, ...bare } = every;
    await listening.start(bare, one);
    expect(shortly(system)).toEqual(["53/tcp", "53/udp", "5352/tcp", "5352/udp"]);
    expect(listening.openPorts(bare)).toEqual({ llqUdp: 5352, llqTcp: 5352 });
    await listening.follow(every, one);
    expect(shortly(system)).toContain("853/tls");
    await listening.follow(bare, one);
    expect(shortly(system)).not.toContain("853/tls");
  });

  test("a Push port of its own is the only one that takes Push", async () => {
    const system = new System();
    const listening = system.listening();
    const apart = { ...every, ports: { ...every.ports, push: 8854 } };
    await listening.start(apart, one);
    expect(listening.takesPush("127.0.0.1:853/tls")).toBe(false);
    expect(listening.takesPush("127.0.0.1:8854/tls")).toBe(true);
    // The same listener may become one that does.
    await listening.follow(every, one);
    expect(listening.takesPush("127.0.0.1:853/tls")).toBe(true);
  });

  test("closed ones are closed; LLQ on the ordinary port shares its sockets", async () => {
    const system = new System();
    const listening = system.listening();
    const shared = { ...plain, tls: 853, llq: 53 } as const;
    await listening.start({ ...every, ports: shared }, one);
    expect(shortly(system)).toEqual(["53/tcp", "53/udp", "853/tls"]);
    const open = { llqUdp: 53, llqTcp: 53, llqTls: 853 };
    expect(listening.openPorts({ ...every, ports: shared })).toEqual(open);
    const none = { ...plain, tls: 853 } as const;
    await listening.follow({ ...every, ports: none }, one);
    expect(listening.openPorts({ ...every, ports: none })).toEqual({});
  });

  test("without the right to low ports all default ones move, with one line", async () => {
    const system = new System();
    system.refuse = (_, port) => (port < 1024 ? "EACCES" : undefined);
    const listening = system.listening();
    await listening.start(every, one);
    const moved = ["5300/tcp", "5300/udp", "53520/tcp", "53520/udp", "8853/tls"];
    expect(shortly(system)).toEqual(moved);
    expect(system.count("ports-moved")).toBe(1);
    const open = { push: 8853, llqUdp: 53_520, llqTcp: 53_520, llqTls: 8853 };
    expect(listening.openPorts(every)).toEqual(open);
  });

  test("written ports stay where they are when the others move", async () => {
    const system = new System();
    system.refuse = (_, port) => (port < 1024 ? "EACCES" : undefined);
    const ports = { ...every.ports, udp: 5301, tcp: false as const, llq: 5352 };
    const listening = system.listening();
    await listening.start({ ...every, ports, defaultPorts: ["tls", "push"] }, one);
    expect(shortly(system)).toEqual(["5301/udp", "5352/tcp", "5352/udp", "8853/tls"]);
    expect(system.count("listening")).toBe(4);
  });

  test("a default port moves although another one is closed", async () => {
    const system = new System();
    system.refuse = (_, port) => (port < 1024 ? "EACCES" : undefined);
    const ports = { ...plain, tcp: false as const };
    const defaultPorts = portNames.filter((name) => name !== "tcp");
    await system.listening().start({ ...all, ports, defaultPorts }, one);
    expect(shortly(system)).toEqual(["5300/udp"]);
  });

  const taken = [5352, 853];
  for (const port of taken) {
    test(`${port}, a default port, may be taken by others`, async () => {
      const system = new System();
      system.refuse = (_, wanted) => (wanted === port ? "EADDRINUSE" : undefined);
      const listening = system.listening();
      await listening.start(every, one);
      expect(shortly(system)).toContain("53/udp");
      expect(system.lines.join("\n")).toMatch(`cannot listen on 127.0.0.1:${port}`);
    });

    test(`${port}, written, may not`, async () => {
      const system = new System();
      system.refuse = (_, wanted) => (wanted === port ? "EADDRINUSE" : undefined);
      const written = { ...every, defaultPorts: ["udp", "tcp"] } as const;
      await expect(system.listening().start(written, one)).rejects.toThrow(`127.0.0.1:${port}`);
    });
  }

  test("port 53 taken everywhere is an error although others are open", async () => {
    const system = new System();
    system.refuse = (_, port) => (port === 53 ? "EADDRINUSE" : undefined);
    await expect(system.listening().start(every, one)).rejects.toThrow(/127\.0\.0\.1:53 /);
    expect(system.sorted).toEqual([]);
  });

  test("so is 853 where nothing else is wanted", async () => {
    const system = new System();
    system.refuse = () => "EADDRINUSE";
    const ports = { ...plain, udp: false, tcp: false, tls: 853 } as const;
    const start = system.listening().start({ ...every, ports }, one);
    await expect(start).rejects.toThrow(/127\.0\.0\.1:853 \(TLS\)/);
  });
});

test("a listener's id tells its place", () => {
  const place = placeOf("[fe80::1%eth0]:5300/udp");
  expect(place?.port).toBe(5300);
  expect(place?.address).toMatchObject({ family: "ipv6", zone: "eth0" });
  expect(placeOf("127.0.0.1:53/tcp")).toMatchObject({ port: 53, address: { family: "ipv4" } });
  expect(placeOf("127.0.0.1:853/tls")).toMatchObject({ port: 853 });
  expect(placeOf("nonsense")).toBeUndefined();
});
