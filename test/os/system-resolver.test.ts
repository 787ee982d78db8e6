// The system's resolver as the daemon asks it: a file that changes, servers that
// are dead, more questions than may be on their way.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import type { Server } from "../../src/os/resolv-conf.js";
import { Resolver } from "../../src/os/resolver.js";
import { inFlightMax, SystemResolver, waitingMax } from "../../src/os/system-resolver.js";
import { RRType } from "../../src/wire/codes.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { answer, type Behaviour, type Running, serve } from "./servers.js";
import { until } from "./sockets.js";

const running: Running[] = [];
const folder = mkdtempSync(join(tmpdir(), "discd-resolver-"));
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function server(behaviour: Behaviour): Promise<Running> {
  const one = await serve(behaviour);
  running.push(one);
  return one;
}

const name = parseName("a.example");
const works: Behaviour = { udp: (query) => [answer(query, "a.example. 10 A 192.0.2.1")] };
const patience = { whole: 600, resend: 300, inAll: 600 };

function resolver(servers: readonly Server[], counts = new Counts()): SystemResolver {
  const logged = { event() {} };
  const read = () => ({ servers, search: [], complaints: [] });
  return new SystemResolver({ log: logged, counts, patience, read });
}

test("all servers together take no longer than the bound", async () => {
  const dead = [await server({}), await server({})];
  const start = performance.now();
  await expect(resolver(dead).ask(name, RRType.A)).rejects.toThrow(
    /no answer within 0\.3 s; .*no answer within 0\.3 s/,
  );
  expect(performance.now() - start).toBeLessThan(900);
});

test("a dead server leaves time for the next one", async () => {
  const all = [await server({}), await server(works)];
  const { answers } = await resolver(all).ask(name, RRType.A);
  expect(answers.map(formatRR)).toEqual(["a.example. 10 IN A 192.0.2.1"]);
});

test("silence over TCP counts as part of the bound", async () => {
  const cut = await server({ udp: (query) => [answer(query, "", { tc: true })], tcp: () => [] });
  const start = performance.now();
  await expect(resolver([cut]).ask(name, RRType.A)).rejects.toThrow(/too long for UDP: no answer/);
  expect(performance.now() - start).toBeLessThan(900);
});

test("so many questions are on their way at once, and no more wait than may", async () => {
  const one = await server({});
  const counts = new Counts();
  const asking = resolver([one], counts);
  const asked = Array.from({ length: inFlightMax + waitingMax + 1 }, () =>
    asking.ask(name, RRType.A).then(
      () => "answered",
      (error: Error) => error.message,
    ),
  );
  await until(() => one.heard.length >= inFlightMax);
  expect(new Set(one.heard.map(({ query }) => query.id)).size).toBeLessThanOrEqual(inFlightMax);
  const ends = await Promise.all(asked);
  expect(counts.of("limits", "lookups")).toBe(1);
  expect(ends.filter((end) => /too many questions wait/.test(end))).toHaveLength(1);
  expect(ends.filter((end) => /no answer within/.test(end))).toHaveLength(inFlightMax);
  expect(ends.filter((end) => /got no answer in time/.test(end))).toHaveLength(waitingMax);
  // And the places are free again.
  expect(await asking.ask(name, RRType.A).catch((error: Error) => error.message)).toMatch(
    /no answer within/,
  );
});

test("the file is read again when it has changed; what is wrong in it is said once", async () => {
  const file = join(folder, "resolv.conf");
  const events: unknown[] = [];
  const log = {
    event: (...given: readonly unknown[]) => void events.push(given),
  };
  const system = new SystemResolver({ log, counts: new Counts(), file });
  expect(system.search).toEqual([]);
  writeFileSync(file, "search a.example\nnameserver no.address\n");
  await until(() => system.search.length > 0);
  expect(system.search.map(displayName)).toEqual(["a.example"]);
  writeFileSync(file, "search b.example\nnameserver no.address\n");
  await until(() => system.search.map(displayName).join() === "b.example");
  expect(events).toEqual([
    [
      "warn",
      "resolver-file",
      {
        problem: `${file}: nameserver "no.address" is no address`,
        effect: "these lines do not count",
      },
    ],
  ]);
});

test("a server that is asked for what it knows itself is not asked to look further", async () => {
  const knows = await server(works);
  const asks = new Resolver([knows], patience);
  await asks.ask(name, RRType.A, false);
  await asks.ask(name, RRType.A);
  expect(knows.heard.map(({ query }) => query.rd)).toEqual([false, true]);
});
