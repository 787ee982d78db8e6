// A DNS server that means harm, on 127.0.0.1: each port has its own way. Written
// from RFC 1035 alone. Prints "ready" when all are open.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const host = "127.0.0.1";

/** Header and question of an answer to `query`, with these counts. */
function head(query, { id = query.readUInt16BE(0), flags = 0x8180, answers = 0 } = {}) {
  const end = query.indexOf(0, 12) + 5;
  const start = Buffer.from(query.subarray(0, end));
  start.writeUInt16BE(id, 0);
  start.writeUInt16BE(flags, 2);
  start.writeUInt16BE(answers, 6);
  start.writeUInt32BE(0, 8);
  return start;
}

/** A record whose owner is the question's name. */
function record(type, data) {
  const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 10, 0, 0]);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

const label = (text) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
/** Takes over a terminal that obeys: title, colour, cursor, and C1 in UTF-8. */
const evil = "a\u001b]0;owned\u0007\u001b[31m\u001b[2J\r\n\u009b31mb\u202ec";
const instance = Buffer.concat([label(evil), Buffer.from([0xc0, 12])]);

const ways = {
  // Nothing at all.
  5401: { udp: () => [] },
  // Garbage, for as long as somebody listens.
  5402: { udp: (query) => [Buffer.from("garbage"), query, Buffer.alloc(1200, 0xc0)], again: 20 },
  // Names that point at themselves.
  5403: {
    udp: (query) => [
      Buffer.concat([head(query, { answers: 1 }), record(12, Buffer.from([0xc0, query.length]))]),
      Buffer.concat([head(query, { answers: 1 }), Buffer.from([0xc0, query.length])]),
    ],
  },
  // Other people's answers first: a wrong ID, a wrong question, then the right one.
  5404: {
    udp: (query) => {
      const other = Buffer.from(query);
      other[13] ^= 1;
      const wrong = record(1, Buffer.from([192, 0, 2, 66]));
      return [
        Buffer.concat([head(query, { id: query.readUInt16BE(0) ^ 1, answers: 1 }), wrong]),
        Buffer.concat([head(other, { answers: 1 }), wrong]),
        Buffer.concat([head(query, { answers: 1 }), record(1, Buffer.from([192, 0, 2, 1]))]),
      ];
    },
  },
  // Truncated; over TCP a stream without an end.
  5405: { udp: (query) => [head(query, { flags: 0x8380 })], tcp: "endless" },
  // Truncated; over TCP one byte at a time, of a message that never is whole.
  5406: { udp: (query) => [head(query, { flags: 0x8380 })], tcp: "drops" },
  // An instance, a host and a TXT record that a terminal would obey.
  5407: {
    udp: (query) => {
      const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
      const target = Buffer.concat([Buffer.from([0, 0, 0, 0, 2, 119]), instance]);
      const data = { 12: instance, 16: label(evil), 33: target }[type];
      if (data === undefined) return [head(query)];
      return [Buffer.concat([head(query, { answers: 1 }), record(type, data)])];
    },
  },
  // A thousand records promised, none there.
  5408: { udp: (query) => [head(query, { answers: 1000 })] },
};

let toOpen = 0;
const opened = () => {
  toOpen -= 1;
  if (toOpen === 0) process.stdout.write("ready\n");
};

for (const [port, { udp, tcp, again }] of Object.entries(ways)) {
  toOpen += 1;
  const socket = createSocket("udp4");
  socket.on("message", (query, { port: to }) => {
    const send = () => {
      for (const bytes of udp(query)) socket.send(bytes, to, host);
    };
    send();
    if (again !== undefined) setInterval(send, again);
  });
  socket.bind(Number(port), host, opened);
  if (tcp === undefined) continue;
  toOpen += 1;
  const server = createServer((peer) => {
    peer.on("error", () => {});
    if (tcp === "drops") {
      const timer = setInterval(() => peer.write(Buffer.from([1])), 50);
      peer.on("close", () => clearInterval(timer));
      return;
    }
    const part = Buffer.alloc(65_536, 1);
    const more = () => void (peer.writable && peer.write(part, more));
    more();
  });
  server.listen(Number(port), host, opened);
}
