// The API of a daemon whose links are scripted: every path over a real connection.

import { createSocket } from "node:dgram";
import { afterEach, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { mismatch, type Shape } from "../../src/api/shape.js";
import { bodyShapes, type HealthView } from "../../src/api/shapes.js";
import { ApiDesk } from "../../src/discd/api-desk.js";
import { silentLog } from "../../src/log.js";
import { probeEvery } from "../../src/os/listener-probes.js";
import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { World } from "../engine/story.js";
import { until } from "../os/sockets.js";

const zone = "Building\\0321.example.com";
const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

async function deskOf(w: World, listeners: readonly string[]) {
  const done: string[] = [];
  const desk = new ApiDesk({
    engine: w.engine,
    counts: w.counts,
    log: silentLog,
    native: undefined,
    random: { uint32: () => Math.floor(Math.random() * 2 ** 32) },
    hooks: {
      version: "0.1.0",
      hostname: () => "px.example.com",
      printable: () => ({ hostname: "px.example.com" }),
      listeners: () => listeners,
      hasClients: () => true,
      refusedListeners: () => [],
      links: () => [],
      probedName: () => parseName(zone),
      surroundings: () => ({
        deviceOf: () => undefined,
        faultOf: () => undefined,
        sourceOf: () => undefined,
        learned: [],
      }),
      certificateExpiry: () => undefined,
      certificateTrouble: () => undefined,
      lastReload: () => null,
      problems: () => [],
      reload: async () => {
        done.push("reload");
        return { kind: "taken", file: null, warnings: [] };
      },
      refresh: () => {
        done.push("refresh");
        return "every link is being asked anew";
      },
    },
    crash: (error) => {
      throw error;
    },
  });
  closings.push(() => desk.stop());
  const listen = [{ kind: "tcp", address: parseAddress("127.0.0.1")!, port: 0 }] as const;
  expect(await desk.follow({ listen, names: new Set(), token: "s3cret" })).toEqual([]);
  return { desk, base: `http://127.0.0.1:${desk.open[0]?.port}`, done };
}

function world(): World {
  const w = new World();
  // In the engine's own time, which is not the desk's here.
  w.engine.survey.keepDirectory(w.now);
  const link = w.link("eth0");
  link.device("_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.", { delay: ms(50) });
  w.ask(`_ipp._tcp.${zone} PTR`);
  w.run(seconds(2));
  return w;
}

/** Answers as a listener of ours does, or never. */
async function listener(isMute = false): Promise<string> {
  const socket = createSocket("udp4");
  closings.push(() => socket.close());
  socket.on("message", (bytes, from) => {
    if (isMute) return;
    bytes[2] = 0x84;
    socket.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return `127.0.0.1:${socket.address().port}/udp`;
}

test("every path tells of the engine in the shape of the manual", async () => {
  const { base, done } = await deskOf(world(), [await listener()]);
  for (const [path, shape] of Object.entries(bodyShapes) as [string, Shape][]) {
    const isWrite = path === "/v1/reload" || path === "/v1/refresh";
    const query =
      path === "/v1/policy" ? `?name=_ipp._tcp.${encodeURIComponent(zone)}&client=10.1.1.1` : "";
    const response = await fetch(`${base}${path}${query}`, {
      method: isWrite ? "POST" : "GET",
      headers: isWrite ? { authorization: "Bearer s3cret" } : {},
    });
    expect([path, mismatch(shape, await response.json())]).toEqual([path, undefined]);
  }
  expect(done.sort()).toEqual(["refresh", "reload"]);
  const listed = (await (await fetch(`${base}/v1/services`)).json()) as { services: object[] };
  expect(listed.services[0]).toMatchObject({ instance: "Lobby", link: "eth0" });
  const metrics = await (await fetch(`${base}/metrics`)).text();
  const labels = 'transport="udp",type="PTR",rcode="NOERROR",zone="Building 1.example.com"';
  expect(metrics).toContain(`discd_queries_total{${labels}} 1\n`);
});

test("health is what the listeners answer", async () => {
  const good = await listener();
  const { base } = await deskOf(world(), [good]);
  const health = async () => (await (await fetch(`${base}/healthz`)).json()) as HealthView;
  for (let turn = 0; turn < 100 && !(await health()).ok; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
  const { base: other } = await deskOf(world(), ["127.0.0.1:1/tcp"]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const failing = await fetch(`${other}/healthz`);
  expect(failing.status).toBe(503);
  expect(((await failing.json()) as HealthView).reasons).toEqual([
    "listener 127.0.0.1:1/tcp: ECONNREFUSED",
  ]);
});

test("a listener that comes while others are waited for is asked right after them", async () => {
  const listeners = [await listener(true)];
  const begun = Date.now();
  const { desk, base } = await deskOf(world(), listeners);
  const good = await listener();
  listeners.push(good);
  desk.look();
  const { listeners: first } = (await (await fetch(`${base}/healthz`)).json()) as HealthView;
  expect(first).toHaveLength(1);
  const told = async () => (await (await fetch(`${base}/healthz`)).json()) as HealthView;
  await expect
    .poll(async () => (await told()).listeners.find(({ name }) => name === good)?.ok, {
      timeout: 10_000,
    })
    .toBe(true);
  expect(Date.now() - begun).toBeLessThan(probeEvery - 500);
});

test("those who follow hear of services and packets", async () => {
  const w = world();
  const { desk, base } = await deskOf(w, []);
  const read = async (path: string) => {
    const abort = new AbortController();
    closings.push(() => abort.abort());
    const { body } = await fetch(`${base}${path}`, { signal: abort.signal });
    const heard = { text: "" };
    (async () => {
      for await (const some of body!) heard.text += Buffer.from(some).toString();
    })().catch(() => {});
    return heard;
  };
  const [events, packets] = [await read("/v1/events"), await read("/v1/packets?link=eth0")];
  await until(() => events.text.includes("event: summary"));
  desk.flush();
  w.links.get("eth0")?.says("_ipp._tcp.local. 4500 PTR Hall._ipp._tcp.local.");
  w.run(seconds(1));
  desk.flush();
  const source = { address: parseAddress("10.1.0.9")!, port: 5353 };
  const bytes = new Uint8Array(12);
  const datagram = { link: "eth0", family: "ipv4", source, isMulticast: true, bytes } as const;
  expect(desk.heard({ kind: "multicast", ...datagram })).toBe(false);
  await until(() => events.text.includes('"instance":"Hall"'));
  await until(() => packets.text.includes("event: packet"));
});
