// Two loads that do not wait for answers before they go on: full TLS handshakes,
// so many a second, and UDP queries whose times are taken.

import { createSocket } from "node:dgram";
import { RRType } from "../src/wire/codes.js";
import { encodeMessage } from "../src/wire/message.js";
import { parseName } from "../src/wire/name.js";
import { clock, tell } from "./roles.js";
import { connectTls } from "./tls-client.js";

/** Calls `act` so many times a second for so long, in small bursts when a timer was late. */
function evenly(rate: number, seconds: number, act: () => void): Promise<void> {
  const began = clock();
  let done = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const elapsed = clock() - began;
      for (; done < Math.min(rate * seconds, (elapsed * rate) / 1000); done++) act();
      if (elapsed < seconds * 1000) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
}

/** Full handshakes; each connection is closed as soon as it stands. Tells when all are over. */
export async function greeter(
  server: string,
  port: number,
  rate: number,
  seconds: number,
  addresses: readonly string[],
): Promise<void> {
  const began = clock();
  let failed = 0;
  let next = 0;
  const all: Promise<void>[] = [];
  const greet = () =>
    new Promise<void>((resolve) => {
      const from = addresses[next++ % addresses.length];
      const socket = connectTls({ host: server, port, from });
      socket.on("secureConnect", () => socket.end());
      socket.on("error", () => {
        failed += 1;
      });
      socket.on("close", () => resolve());
    });
  await evenly(rate, seconds, () => all.push(greet()));
  await Promise.all(all);
  tell({ made: all.length - failed, failed, seconds: (clock() - began) / 1000 });
  process.exit(0);
}

/** Tells the sorted milliseconds of the answers at some places, and how many never came. */
export async function prober(
  server: string,
  port: number,
  name: string,
  rate: number,
  seconds: number,
): Promise<void> {
  const socket = createSocket("udp4");
  const query = Buffer.from(
    encodeMessage({ rd: true, questions: [{ name: parseName(name), type: RRType.PTR, class: 1 }] }),
  );
  const sentAt = new Map<number, number>();
  const times: number[] = [];
  let id = 0;
  socket.on("message", (bytes) => {
    const key = bytes.readUInt16BE(0);
    times.push(clock() - (sentAt.get(key) ?? 0));
    sentAt.delete(key);
  });
  await new Promise<void>((resolve) => socket.connect(port, server, resolve));
  await evenly(rate, seconds, () => {
    id = (id + 1) & 0xffff;
    query.writeUInt16BE(id, 0);
    sentAt.set(id, clock());
    socket.send(Buffer.from(query));
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  tell({ p50: at(0.5), p99: at(0.99), p999: at(0.999), max: times.at(-1), lost: sentAt.size });
  process.exit(0);
}
