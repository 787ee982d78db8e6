// A program for the system tests: the sockets of one link as the daemon opens them,
// the link's core on top, and an inventory of it. Writes a line of JSON for each
// thing that is told. `node scripts/run.mjs test/netns/link-ear.ts INTERFACE`

import { Counts } from "../../src/counts.js";
import type { Input } from "../../src/engine/io.js";
import type { Log } from "../../src/log.js";
import { Link } from "../../src/mdns/link.js";
import { now } from "../../src/os/clock.js";
import { LinkSockets } from "../../src/os/link-sockets.js";
import { InterfaceWatch } from "../../src/os/links.js";
import { loadNative } from "../../src/os/native.js";
import { systemRandom } from "../../src/os/random.js";
import type { ServedLink } from "../../src/proxy/options.js";
import { earliest, seconds } from "../../src/time.js";
import { Inventory } from "../../src/update/inventory.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";

const [name = ""] = process.argv.slice(2);
const zone = parseName("link1.discd.test");

function tell(kind: string, value: unknown): void {
  process.stdout.write(`${JSON.stringify({ kind, value })}\n`);
}

const served: ServedLink = {
  link: name,
  service: zone,
  host: zone,
  aliases: [],
  reverse: [],
  allow: [],
  services: { allow: [], deny: [], default: "allow" },
  translate: [],
  wait: seconds(6),
  gather: seconds(0.2),
  ttlSeconds: 10,
  suppress: true,
  networks: [],
};

const native = await loadNative();
if ("reason" in native) throw new Error(native.reason);
const counts = new Counts();
const log: Log = { event: (_, event, fields) => tell(event, fields) };
const random = systemRandom();
const link = new Link(
  {
    families: ["ipv4", "ipv6"],
    packetsPerSecond: 20,
    cacheRecordsMax: 10_000,
    questionsMax: 1000,
    announce: { b: [], db: [], lb: [] },
  },
  random,
  counts,
);
const inventory = new Inventory(
  link,
  {
    zone: { kind: "service", apex: zone, link: served, bases: [] },
    ttlSecondsMax: 120,
    guarded: new Set(),
  },
  random,
  counts,
  log,
);
const sockets = new LinkSockets(native, log, counts, take);
const watch = new InterfaceWatch((one) => native.findInterface(one));
let timer: NodeJS.Timeout | undefined;

function take(input: Input): void {
  if (input.kind === "link-up") {
    link.up(now(), input);
    tell("may-ask-unicast", input.mayAskUnicast);
  } else if (input.kind === "link-down") link.down(now());
  else if (input.kind === "multicast") {
    if (!input.isMulticast) tell("unicast", input.family);
    link.receive(now(), input);
  }
  settle();
}

function settle(): void {
  for (let changes = link.takeChanges(); changes.length > 0; changes = link.takeChanges()) {
    inventory.changed(now(), changes);
  }
  for (const { family, to, bytes } of link.takeDatagrams()) sockets.send(name, family, to, bytes);
  for (const { title, rrs } of inventory.takeChanges()) {
    tell("offer", { title: displayName(title), lines: rrs.map(({ rr }) => formatRR(rr)) });
  }
  clearTimeout(timer);
  const next = earliest(link.nextDeadline(), inventory.nextDeadline());
  if (next === undefined) return;
  timer = setTimeout(
    () => {
      link.expire(now());
      inventory.expire(now());
      settle();
    },
    Math.max(1, Math.ceil(next - now())),
  );
}

inventory.start(now());
const follow = () =>
  sockets.follow([{ name, ipv4: true, ipv6: true, takesUnicast: true }], watch.present);
await follow();
settle();
watch.start({
  polled: () => {
    tell("counts", Object.fromEntries(counts.all()));
    void follow();
  },
  failed: (reason) => tell("failed", reason),
});
