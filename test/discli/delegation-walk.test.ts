// Servers on the way that mean harm: each walk ends, after a bounded number of
// questions, and what they said can be judged. They run on this host's loopback.

import { createSocket, type Socket } from "node:dgram";
import { afterEach, expect, test } from "vitest";
import { judgeWalk } from "../../src/discli/delegation-verdict.js";
import { childAddressesMax, childServersMax, walkTo } from "../../src/discli/delegation-walk.js";
import { RRType } from "../../src/wire/codes.js";
import type { Question } from "../../src/wire/message.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { parseRRs } from "../../src/wire/text.js";

const child = parseName("a.b.c.d.floor.example");
const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

interface Said {
  readonly aa?: boolean;
  readonly answers?: string;
  readonly authorities?: string;
  readonly additionals?: string;
}

/** A server on 127.0.0.1, and how often it was asked. */
async function server(say: (question: Question, count: number) => Said | Uint8Array) {
  const socket = createSocket("udp4");
  open.push(socket);
  const asked = { count: 0 };
  socket.on("message", (bytes, from) => {
    const query: Message = decodeMessage(bytes);
    const [question] = query.questions as [Question];
    asked.count += 1;
    const said = say(question, asked.count);
    const reply =
      said instanceof Uint8Array
        ? said
        : encodeMessage({
            id: query.id,
            isResponse: true,
            aa: said.aa ?? false,
            questions: query.questions,
            answers: parseRRs(said.answers ?? ""),
            authorities: parseRRs(said.authorities ?? ""),
            additionals: parseRRs(said.additionals ?? ""),
          });
    socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: socket.address().port, asked };
}

const walk = (port: number) =>
  walkTo(child, {
    start: [{ address: "127.0.0.1", port }],
    addresses: async () => [],
    patience: 150,
    port,
  });

const glue = "ns.evil.example 1 A 127.0.0.1";

test("downwards, one label at a time: as many steps as there are labels", async () => {
  let depth = 0;
  const { port } = await server((question) => {
    if (question.type !== RRType.NS) return { aa: true };
    depth = Math.min(depth + 1, child.labels.length);
    const owner = child.labels.slice(child.labels.length - depth).join(".");
    return { authorities: `${owner} 1 NS ns.evil.example`, additionals: glue };
  });
  const { steps } = await walk(port);
  expect(steps).toHaveLength(child.labels.length);
});

test.each([
  ["upwards", "example 1 NS ns.evil.example"],
  ["to the root", ". 1 NS ns.evil.example"],
  ["sideways", "floor.elsewhere 1 NS ns.evil.example"],
  ["round and round", "floor.example 1 NS ns.evil.example"],
])("%s: not followed twice", async (_, authorities) => {
  const { port, asked } = await server(() => ({ authorities, additionals: glue }));
  const found = await walk(port);
  expect(found.steps.length).toBeLessThanOrEqual(2);
  expect(asked.count).toBeLessThan(10);
  expect(judgeWalk(found).some(({ state }) => state === "FAIL")).toBe(true);
});

test("a hundred name servers with a hundred addresses each", async () => {
  const zone = formatName(child);
  const names = Array.from({ length: 100 }, (_, at) => `n${at}.${zone}`);
  const { port, asked } = await server((question) => {
    const authorities = names.slice(0, 12).map((name) => `${zone} 1 NS ${name}`);
    const additionals = names
      .slice(0, 12)
      .flatMap((name) => Array.from({ length: 5 }, (_, at) => `${name} 1 A 127.0.0.${at + 1}`));
    if (question.type !== RRType.NS) return { aa: true };
    return { authorities: authorities.join("\n"), additionals: additionals.join("\n") };
  });
  const { servers } = await walk(port);
  expect(servers).toHaveLength(childServersMax);
  for (const { places } of servers) expect(places).toHaveLength(childAddressesMax);
  // Five questions for each address, some of which are asked thrice; a few on the way.
  expect(asked.count).toBeLessThan(childServersMax * childAddressesMax * 5 * 3 + 50);
});

test("bytes that are no message: as good as silence", async () => {
  const { port } = await server(() => Uint8Array.from([1, 2, 3, 255, 255, 255]));
  const findings = judgeWalk(await walk(port));
  expect(findings[0]).toMatchObject({ id: "way", state: "FAIL", code: "parent-silent" });
});

test("names that would write to a terminal are shown as escapes", async () => {
  const owner = "\\027[2Jx";
  const { port } = await server((question) =>
    question.type === RRType.NS
      ? { authorities: `${formatName(child)} 1 NS ${owner}`, additionals: `${owner} 1 A 127.0.0.1` }
      : { aa: true },
  );
  const texts = judgeWalk(await walk(port)).flatMap(({ decision, evidence, remedy }) => [
    decision,
    ...evidence,
    ...remedy,
  ]);
  expect(texts.join("\n")).toContain("\\027[2Jx");
  for (const text of texts) expect(text).not.toMatch(/[\x00-\x1f\x7f]/);
});
