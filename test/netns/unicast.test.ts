// Answers by unicast, with real sockets: where the port is ours alone on the host
// the link is asked for them, and they arrive; beside avahi it is not.

import { join } from "node:path";
import { afterEach, expect } from "vitest";
import type { Avahi } from "./avahi.js";
import type { Capture } from "./capture.js";
import { Child, until } from "./children.js";
import { top } from "./daemon.js";
import type { Device, Heard } from "./device.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { flush, plainName, query, rec, response } from "./packet.js";

const it = needs("avahi-daemon", "tcpdump");

const subtype = "_color._sub._ipp._tcp.local";

/** A link with two subnets, and a host beyond it. */
const drawing = `
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | ava1 10.1.0.2/24 2001:db8:1::2/64
      | dev1 10.1.0.3/24 198.51.100.7/32 2001:db8:1::3/64
`;

interface Told {
  readonly kind: string;
  readonly value: unknown;
}

let lab: Lab;
let device: Device;
let ear: Capture;
let running: Child[] = [];
/** Another mDNS program on the host `px`. */
let neighbour: Avahi | undefined;

laboratory(
  async (built) => {
    lab = built;
    await lab.avahi("ava1", {
      host: "floor1",
      services: [
        {
          name: "Laser",
          type: "_ipp._tcp",
          port: 631,
          subtypes: [subtype.replace(/\.local$/, "")],
        },
      ],
    });
    device = await lab.device("dev1", "net1");
    ear = await lab.capture("net1");
  },
  () => new Lab(drawing, {}),
);

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
  await neighbour?.stop();
  neighbour = undefined;
});

/** Starts the link's sockets and an inventory on the host `px`. */
function listen(): { child: Child; told: (kind: string) => unknown[] } {
  const program = ["node", join(top, "scripts/run.mjs"), "test/netns/link-ear.ts", "net1"];
  const child = new Child([...lab.enter("px"), ...program]);
  running.push(child);
  const told = (kind: string) =>
    child.stdoutLines
      .map((line) => JSON.parse(line) as Told)
      .filter((one) => one.kind === kind)
      .map(({ value }) => value);
  return { child, told };
}

const may = (isAllowed: boolean, told: (kind: string) => unknown[]) =>
  until(`unicast: ${isAllowed}`, () => told("may-ask-unicast").at(-1) === isAllowed);

/** Classes of all questions that `px` sent since, by what they ask for. */
async function classesSince(since: number, name: string): Promise<number[]> {
  const sent = await ear.queries(lab.mac("px", "net1"), name, "PTR", since);
  const questions = sent.flatMap(({ message }) => message?.questions ?? []);
  return questions.filter((one) => one.name === plainName(name)).map((one) => one.class);
}

/** UDP sockets at port 5353 of the host `px`, as `ss` shows their addresses. */
const bound = () =>
  lab
    .run("px", "ss -Huln sport = 5353")
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[3] ?? "")
    .filter(Boolean)
    .sort();

const typesName = "_services._dns-sd._udp.local";
const direct = /^10\.1\.0\.1%|^\[fe80/;

/** A device that answers QU questions alone, and those by unicast only. */
function answersByUnicast(instance: string, families: readonly (4 | 6)[]): () => void {
  const records = [
    rec(typesName, "PTR", 4500, "_x._tcp.local"),
    rec("_x._tcp.local", "PTR", 4500, `${instance}._x._tcp.local`),
    flush(rec(`${instance}._x._tcp.local`, "SRV", 120, [0, 0, 80, `${instance}.local`])),
    flush(rec(`${instance}._x._tcp.local`, "TXT", 4500, ["a=b"])),
    flush(rec(`${instance}.local`, "A", 120, "10.1.0.3")),
  ];
  const answer = ({ message, family, address }: Heard) => {
    if (message.isResponse || !families.includes(family)) return;
    const isUnicast = message.questions.some((question) => question.class === 0x8001);
    if (isUnicast) device.sayTo(response(records), address);
  };
  device.on("query", answer);
  return () => device.off("query", answer);
}

for (const family of [4, 6] as const) {
  it(`[UP-48] [UP-36] alone on the port: QU, and unicast answers count, over IPv${family}`, async () => {
    const instance = `only-${family}`;
    const end = answersByUnicast(instance, [family]);
    const begun = Date.now();
    const { told } = listen();
    await may(true, told);
    const offers = () => told("offer") as { title: string }[];
    await until("it is offered", () => offers().some(({ title }) => title.startsWith(instance)));
    end();
    expect((await classesSince(begun, typesName))[0]).toBe(0x8001);
    expect(bound().filter((address) => direct.test(address))).toHaveLength(2);
    // Avahi, which is on the link as well, may have answered over the other family.
    expect(told("unicast")).toContain(`ipv${family}`);
  });
}

it("[UP-47] [UP-49] alone on the port: a real avahi is found, its subtype too", async () => {
  const { told } = listen();
  const offers = () => told("offer") as { title: string; lines: string[] }[];
  await until("it is offered", () => offers().some(({ title }) => /^Laser/.test(title)));
  // Somebody else asks for the subtype, by QU: the answer is not for us.
  device.say(query([{ name: subtype, type: "PTR", class: 0x8001 }]));
  const published = `${subtype.replace(/local$/, "link1.discd.test.")} 120 IN PTR`;
  await until("the subtype is offered", () =>
    offers().some(({ lines }) => lines.some((line) => line.startsWith(published))),
  );
});

it("[UP-36] unicast from off the link, or not asked for, is dropped and counted", async () => {
  const { told } = listen();
  await may(true, told);
  const records = [flush(rec("ghost.local", "A", 120, "10.1.0.3"))];
  device.sayTo(response(records), "10.1.0.1");
  const far = await device.socket({ family: 4, port: 5353, address: "198.51.100.7" });
  far.send(response(records), "10.1.0.1", 5353);
  const drops = () => (told("counts").at(-1) ?? {}) as Record<string, number>;
  await until(
    "both are counted",
    () => drops()["drops/mdns-off-link"] === 1 && drops()["drops/mdns-unasked-unicast"] === 1,
  );
});

it("[UP-48] beside avahi the link is asked by multicast; alone again, by unicast", async () => {
  neighbour = await lab.avahi("px", { host: "px", services: [] });
  const begun = Date.now();
  const { told } = listen();
  await may(false, told);
  const offers = () => told("offer") as { title: string }[];
  await until("it is offered", () => offers().some(({ title }) => /^Laser/.test(title)));
  expect(new Set(await classesSince(begun, "_ipp._tcp.local"))).toEqual(new Set([1]));
  expect(bound().filter((address) => direct.test(address))).toEqual([]);
  expect(told("unicast")).toEqual([]);
  await neighbour.stop();
  await may(true, told);
  expect(bound().filter((address) => direct.test(address))).toHaveLength(2);
});

it("[UP-48] the port is left to avahi when it comes later", async () => {
  const { told } = listen();
  await may(true, told);
  neighbour = await lab.avahi("px", { host: "px", services: [] });
  await may(false, told);
  expect(bound().filter((address) => direct.test(address))).toEqual([]);
});
