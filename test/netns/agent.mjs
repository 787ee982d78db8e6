// Runs inside a namespace (`ip netns exec NS node agent.mjs`) and does what its
// standard input says, one JSON object a line: opens UDP and TCP sockets, sends
// exactly the bytes it is given, and reports every byte that arrives. It knows
// nothing of DNS. Other side: agent.ts.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

const sockets = new Map();
/** The TCP sockets below TLS. */
const raws = new Map();
// The wall clock as it is now: the only one that this program, the test and tcpdump share.
const now = () => Date.now();
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

// Where data and a reset come together, libuv tells of an orderly end. The kernel knows
// better: a connection that was reset is in no table any more, and one that the peer has
// ended is, unless we had ended it too.
function wasReset(port) {
  const here = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return !["/proc/net/tcp", "/proc/net/tcp6"].some((table) => {
    const lines = readFileSync(table, "latin1").trim().split("\n");
    return lines.some((line) => line.trim().split(/\s+/)[1].endsWith(here));
  });
}

function stream(id, socket, raw = socket) {
  let port = 0;
  raw.once("connect", () => {
    port = raw.localPort;
  });
  socket.on("data", (bytes) => tell({ event: "data", id, at: now(), hex: bytes.toString("hex") }));
  socket.on("error", (error) => {
    tell({ event: "error", id, at: now(), text: String(error), code: error.code });
  });
  socket.on("end", () => {
    const code = !socket.writableEnded && wasReset(port) ? "ECONNRESET" : undefined;
    tell({ event: "end", id, at: now(), code });
    socket.end();
  });
  socket.on("close", () => tell({ event: "close", id, at: now() }));
}

const operations = {
  udp({ id, family, port, address, group, link, ttl }) {
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      reuseAddr: port === 5353,
      ipv6Only: family === 6,
      recvBufferSize: 4 << 20,
    });
    sockets.set(id, socket);
    socket.on("error", (error) => tell({ event: "error", id, text: String(error) }));
    socket.on("message", (bytes, from) => {
      const source = { address: from.address, port: from.port };
      tell({ event: "data", id, at: now(), ...source, hex: bytes.toString("hex") });
    });
    socket.bind({ port, address }, () => {
      if (group !== undefined) {
        const own = networkInterfaces()[link].find((entry) => entry.family === "IPv4");
        const on = family === 6 ? `::%${link}` : own.address;
        if (group !== "") socket.addMembership(group, on);
        socket.setMulticastInterface(on);
        socket.setMulticastTTL(ttl ?? 255);
        socket.setTTL(ttl ?? 255);
        socket.setMulticastLoopback(true);
      }
      tell({ event: "open", id, port: socket.address().port });
    });
  },
  send({ id, hex, to, port }) {
    sockets.get(id).send(Buffer.from(hex, "hex"), port, to);
  },
  // Sends `hex` count times; the counter is written as hexadecimal digits at each offset.
  async flood({ id, hex, to, port, count, offsets, digits, perSecond }) {
    const begin = now();
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(hex, "hex");
      const text = i.toString(16).padStart(digits, "0");
      for (const offset of offsets) bytes.write(text, offset, "latin1");
      sockets.get(id).send(bytes, port, to);
      const ahead = i / perSecond - (now() - begin) / 1000;
      if (ahead > 0.005) await new Promise((resume) => setTimeout(resume, ahead * 1000));
      else if (i % 50 === 0) await new Promise((resume) => setImmediate(resume));
    }
    tell({ event: "flooded", id });
  },
  tcp({ id, host, port, local }) {
    const socket = connect({ host, port, localAddress: local, noDelay: true, allowHalfOpen: true });
    sockets.set(id, socket);
    socket.on("connect", () => tell({ event: "open", id, port: socket.localPort }));
    stream(id, socket);
  },
  // Without `ca` whatever certificate is taken. Data arrives by records.
  tls({ id, host, port, local, name, alpn, ca, session, min, max }) {
    const raw = connect({ host, port, localAddress: local, noDelay: true, allowHalfOpen: true });
    const socket = connectTls({
      socket: raw,
      servername: name,
      ALPNProtocols: alpn,
      ca,
      rejectUnauthorized: ca !== undefined,
      session: session === undefined ? undefined : Buffer.from(session, "hex"),
      minVersion: min,
      maxVersion: max,
    });
    raws.set(id, raw);
    sockets.set(id, socket);
    socket.on("secureConnect", () => {
      const protocol = socket.getProtocol();
      const tls = { protocol, alpn: socket.alpnProtocol, isResumed: socket.isSessionReused() };
      tell({ event: "open", id, port: raw.localPort, tls });
    });
    socket.on("session", (ticket) => tell({ event: "session", id, hex: ticket.toString("hex") }));
    stream(id, socket, raw);
  },
  // A TLS client that says `hex` once it may, cut off after so many bytes on the wire.
  cut({ id, host, port, bytes, how, hex }) {
    const raw = connect({ host, port, noDelay: true });
    let left = bytes;
    const tube = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        if (raw.destroyed || part.length === 0) return done();
        raw.write(part, () => {
          if (left === 0 && how === "reset") raw.resetAndDestroy();
          if (left === 0 && how === "end") raw.end();
          done();
        });
      },
    });
    raw.on("data", (chunk) => tube.push(chunk));
    raw.on("connect", () => tell({ event: "open", id, port: raw.localPort }));
    raws.set(id, raw);
    sockets.set(id, raw);
    stream(id, raw);
    raw.on("close", () => tube.destroy());
    const options = { socket: tube, rejectUnauthorized: false, ALPNProtocols: ["dot"] };
    const socket = connectTls(options, () => socket.write(Buffer.from(hex, "hex")));
    socket.on("error", () => {});
  },
  write({ id, hex }) {
    sockets.get(id).write(Buffer.from(hex, "hex"));
  },
  pause({ id }) {
    sockets.get(id).pause();
  },
  resume({ id }) {
    sockets.get(id).resume();
  },
  // A TCP reset, under TLS too: without a close_notify.
  reset({ id }) {
    (raws.get(id) ?? sockets.get(id)).resetAndDestroy();
  },
  finish({ id }) {
    sockets.get(id).end();
  },
  end({ id }) {
    const socket = sockets.get(id);
    sockets.delete(id);
    raws.delete(id);
    if (socket?.destroy) socket.destroy();
    else socket?.close();
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    try {
      operations[command.op](command);
    } catch (error) {
      tell({ event: "error", id: command.id, text: String(error) });
    }
  })
  .on("close", () => process.exit(0));
tell({ event: "ready" });
