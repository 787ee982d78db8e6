// The other ends of a measurement, each a process of its own in a namespace of
// its own: an echo to compare with, a load, a device on a link. They talk to the
// conductor in lines of JSON.

import { createSocket, type Socket } from "node:dgram";
import { createInterface } from "node:readline";
import { RRType } from "../src/wire/codes.js";
import { decodeMessage, encodeMessage } from "../src/wire/message.js";
import { type Name, parseName } from "../src/wire/name.js";
import type { RR } from "../src/wire/rr.js";
import { parseRR } from "../src/wire/text.js";

/** One line for the conductor. */
export const tell = (value: object): void =>
  void process.stdout.write(`${JSON.stringify(value)}\n`);

/** Milliseconds on the monotonic clock, which is the same in all processes. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A bare node:dgram server: each datagram is answered with `size` bytes, the ID copied. */
export function echo(address: string, port: number, size: number): void {
  const socket = createSocket({
    type: "udp4",
    lookup: (host, _options, done) => done(null, host, 4),
  });
  const answer = Buffer.alloc(size, 1);
  socket.on("message", (bytes, from) => {
    answer[0] = bytes[0] as number;
    answer[1] = bytes[1] as number;
    socket.send(answer, from.port, from.address);
  });
  socket.bind(port, address, () => tell({ ready: true }));
}

/** Keeps `window` queries in flight for `seconds`, and tells how many were answered. */
export function load(server: string, port: number, name: string, seconds: number): void {
  const window = 64;
  const query = Buffer.from(
    encodeMessage({ rd: true, questions: [{ name: parseName(name), type: RRType.PTR, class: 1 }] }),
  );
  const socket = createSocket("udp4");
  let answered = 0;
  let bytes = 0;
  let id = 0;
  let heardAt = performance.now();
  const send = () => {
    id = (id + 1) & 0xffff;
    query.writeUInt16BE(id, 0);
    socket.send(Buffer.from(query));
  };
  socket.on("message", (reply) => {
    answered += 1;
    bytes = reply.length;
    heardAt = performance.now();
    send();
  });
  socket.connect(port, server, () => {
    for (let count = 0; count < window; count++) send();
    // A full socket buffer may swallow the whole window; then it is filled anew.
    const refill = setInterval(() => {
      if (performance.now() - heardAt < 200) return;
      for (let count = 0; count < window; count++) send();
    }, 200);
    setTimeout(() => {
      clearInterval(refill);
      tell({ answered, bytes });
      process.exit(0);
    }, seconds * 1000);
  });
}

const group = "224.0.0.251";

function multicast(socket: Socket, records: readonly RR[]): void {
  const bytes = encodeMessage(
    { isResponse: true, aa: true, answers: records },
    { compression: "mdns" },
  );
  socket.send(bytes, 5353, group);
}

/** The records of `count` services, one host each, cache-flush bits as a responder sets them. */
export function serviceRecords(type: string, first: number, count: number): RR[][] {
  const services: RR[][] = [];
  for (let index = first; index < first + count; index++) {
    const name = `Printer\\032${index}.${type}.local`;
    const host = `printer-${index}.local`;
    const octets = `${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
    const unique = [
      `${name} 120 IN SRV 0 0 631 ${host}`,
      `${name} 4500 IN TXT "txtvers=1" "rp=printers/q${index}" "ty=Example LaserJet ${index}"`,
      `${host} 120 IN A 10.${octets}`,
    ].map((line) => ({ ...parseRR(line), class: 0x8001 }));
    services.push([parseRR(`${type}.local 4500 IN PTR ${name}`), ...unique]);
  }
  return services;
}

const typesName = "_services._dns-sd._udp.local";

/** The list of types as a device tells it. */
const typeRecord = (type: string): RR => parseRR(`${typesName} 4500 IN PTR ${type}.local`);

/**
 * A host on a link with many services. Lines on standard input: `answer DELAY_MS FIRST COUNT TYPE`
 * makes it answer browse questions for the type, SRV questions, and those for the list of types;
 * `flood FIRST COUNT TYPE` announces, `bye FIRST COUNT TYPE` takes leave;
 * `say ADDRESS PORT INDEX TYPE` sends the PTR of one service there, and tells when.
 * Every mDNS query packet it hears is counted; `count` tells how many, `asked TYPE` how many with
 * a browse question for that type.
 */
export function device(address: string): void {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const answers = new Map<string, { delay: number; services: RR[][] }[]>();
  const add = (name: Name, type: number, delay: number, services: RR[][]) => {
    const key = `${type} ${name.key}`;
    answers.set(key, [...(answers.get(key) ?? []), { delay, services }]);
  };
  let queries = 0;
  const asked = new Map<string, number>();
  const answer = (bytes: Uint8Array) => {
    const message = decodeMessage(bytes);
    if (message.isResponse) return;
    queries += 1;
    for (const { name } of message.questions) asked.set(name.key, (asked.get(name.key) ?? 0) + 1);
    for (const { name, type } of message.questions) {
      for (const { delay, services } of answers.get(`${type} ${name.key}`) ?? []) {
        setTimeout(() => multicastAll(socket, services), delay);
      }
    }
  };
  socket.on("message", (bytes, from) => {
    if (from.address !== address) answer(bytes);
  });
  socket.bind(5353, group, () => {
    socket.addMembership(group, address);
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(255);
    tell({ ready: true });
  });
  createInterface({ input: process.stdin }).on("line", (line) => {
    const [verb, ...words] = line.split(" ");
    if (verb === "count") tell({ queries });
    if (verb === "answer") {
      const [delay, first, count, type] = words as [string, string, string, string];
      const services = serviceRecords(type, Number(first), Number(count));
      add(parseName(typesName), RRType.PTR, Number(delay), [[typeRecord(type)]]);
      add(parseName(`${type}.local`), RRType.PTR, Number(delay), services);
      for (const records of services) {
        // The PTR was said above; every other record tells of the whole service.
        for (const { name, type: asked } of records.slice(1)) {
          add(name, asked, Number(delay), [records]);
        }
      }
      tell({ ready: true });
    }
    if (verb === "asked") {
      const { key } = parseName(`${words[0]}.local`);
      tell({ packets: asked.get(key) ?? 0 });
    }
    if (verb === "say") {
      const [to, port, index, type] = words as [string, string, string, string];
      const [records = []] = serviceRecords(type, Number(index), 1);
      const bytes = encodeMessage({ isResponse: true, aa: true, answers: records.slice(0, 1) });
      tell({ at: clock() });
      socket.send(bytes, Number(port), to);
    }
    if (verb === "flood" || verb === "bye") {
      const [first, count, type] = words as [string, string, string];
      const services = serviceRecords(type, Number(first), Number(count));
      const ttlSeconds = verb === "bye" ? { ttlSeconds: 0 } : {};
      const at = clock();
      multicastAll(
        socket,
        services.map((records) => records.map((rr) => ({ ...rr, ...ttlSeconds }))),
      );
      tell({ at });
    }
  });
}

/** Some 1,300 bytes a packet, as devices send. */
function multicastAll(socket: Socket, services: readonly (readonly RR[])[]): void {
  const each = 5;
  for (let at = 0; at < services.length; at += each) {
    multicast(socket, services.slice(at, at + each).flat());
  }
}

/**
 * Asks as `clients` addresses. Lines on standard input: JSON `[[client, name, type], …]`; when
 * all are answered it tells the milliseconds of each and the answer counts.
 */
export function asker(server: string, port: number, addresses: readonly string[]): void {
  const sockets = addresses.map((address) => {
    const socket = createSocket("udp4");
    socket.bind(0, address);
    return socket;
  });
  const waiting = new Map<string, (answers: number) => void>();
  sockets.forEach((socket, client) => {
    socket.on("message", (bytes) => {
      const message = decodeMessage(bytes);
      waiting.get(`${client}/${message.id}`)?.(message.answers.length);
    });
  });
  let id = 0;
  const ask = (client: number, name: string, type: number) => {
    id = (id + 1) & 0xffff;
    const own = id;
    const begin = performance.now();
    return new Promise<{ ms: number; answers: number }>((resolve) => {
      waiting.set(`${client}/${own}`, (answers) => {
        resolve({ ms: performance.now() - begin, answers });
      });
      const bytes = encodeMessage({
        id: own,
        questions: [{ name: parseName(name), type, class: 1 }],
        edns: { udpSize: 1232, version: 0, extendedRcode: 0, dnssecOk: false, options: [] },
      });
      sockets[client]?.send(bytes, port, server);
    });
  };
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const wanted = JSON.parse(line) as [number, string, number][];
    const replies = await Promise.all(
      wanted.map(([client, name, type]) => ask(client, name, type)),
    );
    tell({ replies });
  });
  tell({ ready: true });
}
