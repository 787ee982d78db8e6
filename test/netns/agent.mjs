// Runs inside a namespace (`ip netns exec NS node agent.mjs`) and does what its
// standard input says, one JSON object a line: opens UDP and TCP sockets, sends
// exactly the bytes it is given, and reports every byte that arrives. It knows
// nothing of DNS. Other side: agent.ts.
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";

const sockets = new Map();
// The wall clock as it is now: the only one that this program, the test and tcpdump share.
const now = () => Date.now();
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

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
    socket.on("data", (bytes) =>
      tell({ event: "data", id, at: now(), hex: bytes.toString("hex") }),
    );
    socket.on("error", (error) => tell({ event: "error", id, text: String(error) }));
    socket.on("end", () => socket.end());
    socket.on("close", () => tell({ event: "close", id, at: now() }));
  },
  write({ id, hex }) {
    sockets.get(id).write(Buffer.from(hex, "hex"));
  },
  pause({ id }) {
    sockets.get(id).pause();
  },
  finish({ id }) {
    sockets.get(id).end();
  },
  end({ id }) {
    const socket = sockets.get(id);
    sockets.delete(id);
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
