// The HTTP API of the running daemon, by curl, over links with real avahi devices:
// what each path tells, who may ask, and that services come and go while one looks.

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { HostView, Service } from "../../src/api/shapes.js";
import { bodyShapes } from "../../src/api/shapes.js";
import { ask, curl, EventReader, local, read } from "./api-stage.js";
import { until } from "./children.js";
import type { Daemon } from "./daemon.js";
import { F2, type Lab, laboratory, R } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("root", "ip", "curl", "avahi-daemon", "dig", "openssl");

const token = "0123456789abcdef0123456789abcdef";
const bearer = `-H 'Authorization: Bearer ${token}'`;

const config = `
http = { listen = { '127.0.0.1:8053', '10.8.0.53:8053', '/run/discd/http' }, token = env('API_TOKEN') }
warm = true
services = { deny = { '_ssh._tcp' } }
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com',
    reverse = true },
  { name = 'net2', subdomain = 'floor2.example.com', reverse = true },
  { name = 'uplink', disable = true },
}
`;

const lobby = {
  name: 'Lobby "Büro" <b>',
  type: "_ipp._tcp",
  port: 631,
  txt: ["rp=ipp/print", { key: "bin", hex: "ff00" }],
  subtypes: ["_universal._sub._ipp._tcp"],
};
const shell = { name: "Admin shell", type: "_ssh._tcp", port: 22 };

let lab: Lab;
let discd: Daemon;

laboratory(async (built) => {
  lab = built;
  process.env.API_TOKEN = token;
  await lab.avahi("ava1", { host: "ava1", services: [lobby, shell] });
  discd = await lab.discd(config);
  delete process.env.API_TOKEN;
  await until("the printer is listed", () => services().some(({ port }) => port === 631));
});

const services = (query = ""): readonly Service[] =>
  read<{ services: readonly Service[] }>(lab, discd, `/v1/services${query}`).services;

it("A1.20 every path tells of the running daemon in the shape of the manual", () => {
  const queries: Readonly<Record<string, string>> = {
    "/v1/policy": `?name=_ipp._tcp.${F2}&client=10.9.0.2`,
  };
  for (const path of Object.keys(bodyShapes)) {
    if (path === "/v1/reload" || path === "/v1/refresh" || path === "/healthz") continue;
    read(lab, discd, `${path}${queries[path] ?? ""}`);
  }
  const summary = read<{ hostname: string; links: number; services: number }>(
    lab,
    discd,
    "/v1/summary",
  );
  expect(summary).toMatchObject({
    hostname: "px.example.com",
    links: 2,
    services: 1,
    reload: null,
  });
  expect(ask(lab, discd, "/").text).toMatch(/<!doctype html>/);
});

it("A2.1a links tell of their interfaces, zones of where their names come from", () => {
  const { interfaces } = read<{ interfaces: readonly Record<string, unknown>[] }>(
    lab,
    discd,
    "/v1/interfaces",
  );
  const index = Number(lab.run("px", "cat /sys/class/net/net1/ifindex"));
  expect(interfaces.find(({ name }) => name === "net1")).toMatchObject({
    index,
    flags: ["up", "multicast"],
    mtu: 1500,
    isUp: true,
    mode: "proxy",
    families: ["ipv4", "ipv6"],
    services: 1,
    problems: [],
  });
  const [net1] = interfaces;
  expect(net1?.addresses).toContain("10.1.0.1/24");
  expect(net1?.reverse).toContain("0.1.10.in-addr.arpa");
  expect(net1?.records).toBeGreaterThan(5);
  const { zones } = read<{ zones: readonly Record<string, unknown>[] }>(lab, discd, "/v1/zones");
  expect(zones.find(({ kind, link }) => kind === "service" && link === "net1")).toMatchObject({
    zone: "Building 1.example.com",
    escaped: R,
    index,
    source: "config",
    learned: null,
  });
  const { domains } = read<{ domains: readonly object[] }>(lab, discd, "/v1/domains");
  expect(domains).toContainEqual({ link: "net2", kind: "lb", domain: F2 });
});

it("A2.1a hosts are told with what was heard of them", async () => {
  await lab.dig("ava1.bldg-1.example.com", "A");
  const heard = await until("it is listed", () =>
    read<{ hosts: readonly HostView[] }>(lab, discd, "/v1/hosts").hosts.find(
      ({ name }) => name === "ava1.bldg-1.example.com",
    ),
  );
  expect(heard.addresses).toContain("10.1.0.2");
  expect(heard.mdns.responsesIn).toBeGreaterThan(0);
});

it("a service is told with its TXT record decoded, its addresses and its subtypes", async () => {
  // What nobody asks for is not known.
  await lab.dig(`_universal._sub._ipp._tcp.${R}`, "PTR");
  const printer = await until("the subtype is listed", () =>
    services("?type=_IPP._tcp").find(({ subtypes }) => subtypes.length > 0),
  );
  expect(printer).toMatchObject({
    instance: lobby.name,
    domain: "Building 1.example.com",
    link: "net1",
    host: "ava1.bldg-1.example.com",
    port: 631,
    subtypes: ["_universal"],
    isShown: true,
  });
  expect(printer?.addresses).toContain("10.1.0.2");
  expect(printer?.txt.find(({ key }) => key === "rp")?.value).toBe("ipp/print");
  expect(printer?.txt.find(({ key }) => key === "bin")).toMatchObject({
    isBinary: true,
    base64: "/wA=",
  });
});

it("what the rules of discd.lua hide, readers are not shown, and no event tells of it", async () => {
  expect(services().map(({ instance }) => instance)).toEqual([lobby.name]);
  expect(curl(lab, "px", `${local}/v1/services?hidden=true`).status).toBe(403);
  expect(ask(lab, discd, "/v1/services?hidden=true").status).toBe(200);
  const policy = read<{ verdict: string; rule: string }>(
    lab,
    discd,
    `/v1/policy?name=_ssh._tcp.${F2}&type=PTR&client=10.9.0.2`,
  );
  expect(policy.verdict).not.toBe("link");
  expect(policy.rule).toMatch(/_ssh\._tcp/);
  const other = read<{ verdict: string }>(
    lab,
    discd,
    `/v1/policy?name=_ipp._tcp.${F2}&type=PTR&client=10.9.0.2`,
  );
  expect(other.verdict).toBe("link");
  expect(ask(lab, discd, "/v1/policy?name=x&client=nobody").status).toBe(400);
  const reader = new EventReader(lab, discd, "/v1/events");
  const all = new EventReader(lab, discd, "/v1/packets?if=net2&name=_ssh");
  const shown = new EventReader(lab, discd, "/v1/packets?if=net2&name=_ssh", local);
  await until("the streams have begun", () => [reader, all, shown].every((one) => one.hasBegun));
  const more = await lab.avahi("ava2", {
    host: "ava2",
    services: [
      { ...shell, name: "Second shell" },
      { name: "Copier", type: "_ipp._tcp", port: 632 },
    ],
  });
  const told = (name: string) => reader.events.filter((one) => one.name === name);
  await until("the service is told", () =>
    told("service-added").some(({ value }) => value.instance === "Copier"),
  );
  await until("with its address", () =>
    services("?link=net2").some(({ addresses }) => addresses.includes("10.2.0.2")),
  );
  await more.stop();
  await until("its end is told", () =>
    told("service-removed").some(({ value }) => value.instance === "Copier"),
  );
  await until("a summary comes by itself", () => told("summary").length >= 2);
  expect(JSON.stringify(reader.events)).not.toMatch(/Second shell/);
  expect(services("?link=net2")).toEqual([]);
  // Whoever may write is shown what goes over the link as it is, others what the rules leave.
  expect(JSON.stringify(all.events)).toMatch(/Second.{1,8}shell/);
  expect(shown.events).toEqual([]);
  for (const one of [reader, all, shown]) await one.stop();
});

it("A2.5 packets are streamed as the query string picks them, and written nowhere", async () => {
  const picked = new EventReader(lab, discd, "/v1/packets?if=net2&type=PTR&name=_scanner");
  const excluded = new EventReader(lab, discd, "/v1/packets?if=net1&type=PTR&name=_scanner");
  const wrongType = new EventReader(lab, discd, "/v1/packets?if=net2&type=SRV&name=_scanner");
  await until("they have begun", () => [picked, excluded, wrongType].every((one) => one.hasBegun));
  const before = discd.log.length;
  await lab.dig(`_scanner._tcp.${F2}`, "PTR", "+time=1", "+tries=1");
  await until("the question is shown", () => picked.events.length > 0);
  for (const { value } of picked.events) {
    expect(value).toMatchObject({ link: "net2", direction: "out", isResponse: false });
    expect(value.questions[0]).toMatchObject({ name: "_scanner._tcp.local", type: "PTR" });
  }
  await sleep(1500);
  expect([excluded.events, wrongType.events]).toEqual([[], []]);
  expect(discd.log.slice(before).join("\n")).not.toMatch(/_scanner/);
  expect(openFiles(discd.child.pid).filter((path) => /^\/(var|tmp|home|root)/.test(path))).toEqual(
    [],
  );
  for (const one of [picked, excluded, wrongType]) await one.stop();
});

/** Regular files that a program has open for writing. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
    const isWriting = (Number.parseInt(flags ?? "0", 8) & 3) !== 0;
    if (!isWriting) return [];
    return [lab.run("px", `readlink /proc/${pid}/fd/${fd} || true`).trim()];
  });
}

it("reading is free on the host itself, elsewhere it needs the token, and so does writing", () => {
  const there = "http://10.8.0.53:8053";
  expect(curl(lab, "px", `${local}/v1/summary`).status).toBe(200);
  expect(curl(lab, "cli", `${there}/v1/summary`).status).toBe(401);
  expect(curl(lab, "cli", `${there}/healthz`).status).toBe(401);
  expect(curl(lab, "cli", `${there}/`).status).toBe(200);
  expect(curl(lab, "cli", `${bearer} ${there}/v1/summary`).status).toBe(200);
  expect(curl(lab, "cli", `${bearer.replace("0123", "0124")} ${there}/v1/summary`).status).toBe(
    401,
  );
  expect(curl(lab, "px", `-X POST ${local}/v1/refresh`).status).toBe(401);
  expect(curl(lab, "px", `-X POST ${bearer} ${local}/v1/refresh`).status).toBe(202);
  expect(curl(lab, "cli", `-X POST ${bearer} ${there}/v1/refresh`).status).toBe(202);
  expect(ask(lab, discd, "/v1/refresh", "-X POST").status).toBe(202);
  const named = "--resolve px.example.com:8053:127.0.0.1 http://px.example.com:8053/v1/summary";
  expect(curl(lab, "px", named).status).toBe(200);
  expect(curl(lab, "px", named.replaceAll("px.example", "evil.example")).status).toBe(421);
  expect(JSON.stringify(read(lab, discd, "/v1/config"))).not.toContain(token);
});

it("a refresh asks every link anew", async () => {
  const ear = await lab.capture("net1", "udp port 5353");
  const own = lab.mac("px", "net1");
  const asked = () =>
    ear.frames.filter(
      ({ message, mac }) =>
        mac === own && message?.questions.some(({ name }) => name === "_ipp._tcp.local."),
    ).length;
  const before = asked();
  expect(ask(lab, discd, "/v1/refresh", "-X POST").body.done).toMatch(/asked anew/);
  await until("the printers are asked for", () => asked() > before, 3000);
});
