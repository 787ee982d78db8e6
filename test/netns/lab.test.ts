// The laboratory itself, without discd: avahi answers on its link and nowhere
// else, a foreign mDNS querier finds it, and Unbound follows BIND's delegation.

import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Capture } from "./capture.js";
import { Child, until } from "./children.js";
import { dig } from "./clients.js";
import type { Device, Heard } from "./device.js";
import { type Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { servicesOf } from "./offices.js";
import { flush, plainName, query, rec, types } from "./packet.js";
import { recordTexts } from "./unpack.js";

const peerScript = fileURLToPath(new URL("peer.mjs", import.meta.url));
const it = needs("avahi-daemon", "named", "unbound", "tcpdump", "dig", "kdig");
let lab: Lab;
let device: Device;
let ear: Capture;

laboratory(async (built) => {
  lab = built;
  await Promise.all([
    lab.avahi("ava1", {
      host: "floor1",
      services: servicesOf("floor1"),
      hosts: { "scanner-floor1.local": "10.1.0.99" },
    }),
    lab.avahi("ava2", {
      host: "floor2",
      services: servicesOf("floor2"),
      hosts: { "scanner-floor2.local": "10.2.0.99" },
    }),
    lab.bind(
      "dns",
      ["10.9.0.53", "2001:db8:9::53"],
      [
        {
          origin: "example.com.",
          lines: [
            "www.example.com. A 192.0.2.1",
            "floor2.example.com. NS px.example.com.",
            "px.example.com. A 10.8.0.53",
          ],
        },
      ],
    ),
    lab.unbound("cli", 5301, ["10.9.0.53"]),
  ]);
  device = await lab.device("dev1", "net1");
  ear = await lab.capture("net2");
});

it("avahi announces twenty services on its own link, nothing on the other", async () => {
  const names = new Set<string>();
  device.on("response", ({ message }: Heard) => {
    for (const record of message.answers) if (record.type === types.PTR) names.add(record.data);
  });
  for (const { type } of servicesOf("floor1")) {
    device.say(query([{ name: `${type}.local`, type: "PTR" }]));
  }
  const wanted = servicesOf("floor1").map(({ name, type }) =>
    plainName([
      Buffer.from(name),
      ...type.split(".").map((label) => Buffer.from(label)),
      Buffer.from("local"),
    ]),
  );
  await until("all instances are heard", () => wanted.every((name) => names.has(name)));
  expect(wanted).toHaveLength(20);
  const other = ear.frames.flatMap(({ message }) => message?.answers ?? []);
  expect(other.filter(({ name }) => name.startsWith("_floor1"))).toEqual([]);
});

it("the client reaches BIND two hops from the proxy, and Unbound resolves through it", async () => {
  const route = lab.run("cli", "ip route get 10.8.0.53");
  expect(route).toContain("via 10.9.0.1");
  const direct = await dig(lab.enter("cli"), ["@10.9.0.53", "floor2.example.com", "PTR"]);
  expect(direct.authority.map(({ type, data }) => `${type} ${data}`)).toEqual([
    "NS px.example.com.",
  ]);
  const followed = await dig(lab.enter("cli"), [
    "@127.0.0.1",
    "-p",
    "5301",
    "+recurse",
    "www.example.com",
    "A",
  ]);
  expect(followed.answer.map(({ data }) => data)).toEqual(["192.0.2.1"]);
  const other = await dig(
    lab.enter("cli"),
    ["@127.0.0.1", "-p", "5301", "+rec", "www.example.com", "A"],
    "kdig",
  );
  expect(other.answer.map(({ data }) => data)).toEqual(["192.0.2.1"]);
});

it("a scripted device answers, a foreign querier hears it, the capture sees both", async () => {
  const capture = await lab.capture("net2");
  const other = await lab.device("dev2", "net2");
  const records = [flush(rec("fake.local", "A", 120, "10.2.0.77"))];
  const { asked } = other.answers("fake.local", "A", records, { delay: 50 });
  const options = JSON.stringify({ address: "10.2.0.2", records: [] });
  const peer = lab.keep(new Child([...lab.enter("ava2"), process.execPath, peerScript, options]));
  await peer.says(/^ready$/);
  peer.write(`${JSON.stringify({ questions: [{ name: "fake.local", type: "A" }] })}\n`);
  const line = await peer.says(/fake\.local/);
  expect(JSON.parse(line).answers).toMatchObject([{ name: "fake.local", data: "10.2.0.77" }]);
  expect(asked).toHaveLength(1);
  const answers = await capture.from(lab.mac("dev2", "net2"));
  expect(answers.map(({ message }) => recordTexts(message!.answers))).toEqual([
    ["fake.local. A 10.2.0.77"],
  ]);
  expect(answers[0]).toMatchObject({ family: 4, source: "10.2.0.3", hops: 255, sourcePort: 5353 });
  const [query] = await capture.queries(lab.mac("ava2", "net2"), "fake.local", "A");
  expect(answers[0]!.at - query!.at).toBeGreaterThan(45);
});
