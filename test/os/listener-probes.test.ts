// Real questions to our own listeners: who answers, who refuses, who says nothing.

import { createSocket } from "node:dgram";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import type { Peer } from "../../src/engine/io.js";
import { ListenerProbes, probePatience } from "../../src/os/listener-probes.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { parseName } from "../../src/wire/name.js";

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

const zone = parseName("floor1.example.com");

/** Answers every question with itself as a response; `spoil` changes it before. */
const answered = (question: Uint8Array, spoil: (answer: Uint8Array) => void = () => {}) => {
  const answer = Uint8Array.from(question);
  answer[2] = 0x84;
  spoil(answer);
  return answer;
};

/** The clients that a server has seen. */
let seen: Peer[] = [];

async function udp(answer: (question: Uint8Array) => Uint8Array | undefined): Promise<string> {
  const socket = createSocket("udp4");
  closings.push(() => socket.close());
  socket.on("message", (question, from) => {
    seen.push(from);
    const bytes = answer(question);
    if (bytes !== undefined) socket.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return `127.0.0.1:${socket.address().port}/udp`;
}

async function stream(
  kind: "tcp" | "tls",
  isMute = false,
  accepted: (client: Peer) => void = () => {},
): Promise<string> {
  const { credentials } = makeSelfSigned(["px.example.net"], Date.now());
  const take = (socket: import("node:net").Socket) => {
    const { remoteAddress: address = "", remotePort: port = 0 } = socket;
    accepted({ address, port });
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      if (isMute) socket.end();
      // In two pieces, as it may come.
      else {
        const answer = answered(bytes.subarray(2));
        socket.write(Buffer.concat([bytes.subarray(0, 2), answer.subarray(0, 5)]));
        setTimeout(() => socket.write(answer.subarray(5)), 5);
      }
    });
  };
  const { cert, key } = credentials;
  const server: Server = kind === "tcp" ? createServer(take) : createTlsServer({ cert, key }, take);
  closings.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}/${kind}`;
}

async function probe(...listeners: string[]) {
  const probes = new ListenerProbes(() => 0x1234);
  await probes.round(listeners, zone);
  return probes.states;
}

test("whoever answers is alive: UDP, TCP, TLS", async () => {
  const all = [
    await udp((question) => answered(question)),
    await stream("tcp"),
    await stream("tls"),
  ];
  const states = await probe(...all);
  expect(states.map(({ name }) => name)).toEqual(all);
  for (const { answeredSecondsAgo, reason } of states) {
    expect(reason).toBeUndefined();
    expect(answeredSecondsAgo).toBeLessThan(2);
  }
});

test("who says nothing, or something else, is not", async () => {
  const mute = await udp(() => undefined);
  const guess = await udp((question) =>
    answered(question, (answer) => {
      answer[1] = 0;
    }),
  );
  const echo = await udp((question) => question);
  const closing = await stream("tcp", true);
  const states = await probe(mute, guess, echo, closing);
  expect(states.map(({ reason }) => reason)).toEqual([
    "no answer within 2 s",
    "no answer within 2 s",
    "no answer within 2 s",
    "the connection was closed",
  ]);
});

test("where nobody listens it is known at once", async () => {
  const gone = await stream("tcp");
  for (const close of closings.splice(0)) close();
  const begin = Date.now();
  const [tcp, udpState] = await probe(gone, gone.replace("/tcp", "/udp"));
  expect(tcp?.reason).toBe("ECONNREFUSED");
  expect(udpState?.reason).toBe("ECONNREFUSED");
  expect(Date.now() - begin).toBeLessThan(probePatience);
});

test("a way that is gone is a reason, and nothing worse", async () => {
  const states = await probe("255.255.255.255:53/udp", "[fe80::1%gone0]:53/udp");
  expect(states.map(({ reason }) => reason)).toEqual(["EACCES", "EINVAL"]);
});

test("questions of ours are told from clients' from the first moment, while they last", async () => {
  seen = [];
  const probes = new ListenerProbes(() => 7);
  const known: boolean[] = [];
  const listener = await udp((question) => {
    const own = seen.at(-1) as Peer;
    const others = [
      { ...own, port: own.port + 1 },
      { ...own, address: "127.0.0.2" },
    ];
    known.push(probes.isProbe(own), ...others.map((one) => probes.isProbe(one)));
    return answered(question);
  });
  const tcp = await stream("tcp", false, (client) => {
    seen.push(client);
    known.push(probes.isProbe(client));
  });
  await probes.round([listener, tcp], zone);
  expect(known.toSorted()).toEqual([false, false, true, true]);
  expect(seen.map((one) => probes.isProbe(one))).toEqual([false, false]);
});
