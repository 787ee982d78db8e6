// Lists to browse below a reverse name, in a zone of their own at real named, with
// a key of their own.

import { expect } from "vitest";
import { run, until } from "./children.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { lists, untilZone, updateSite, updateZone } from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig");
let lab: Lab;
const { named, discd, printer } = updateSite((built) => {
  lab = built;
});

const apex = "0.1.10.in-addr.arpa";
const base = `0.${apex}`;
const secret = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const reverse = { apex, key: "discd-reverse.example", secret };

function listed(kind: string): string {
  const words = ["dig", "@127.0.0.1", "+short", `${kind}._dns-sd._udp.${base}`, "PTR"];
  return run([...lab.enter("ns1"), ...words]).trim();
}

const update = (key: string) => `
  within = { '${updateZone}', '${apex}' },
  keys = { ['${apex}'] = { name = 'discd-reverse.example', secret = '${key}' } },`;

it("a link is listed below its network's reverse name, until it is gone [UP-7]", async () => {
  await named({ reverse });
  await discd({ update: update(secret) });
  const all = () => ["b", "db", "lb"].map(listed).join(" ");
  const link = `${updateZone}.`;
  await until("it is listed", () => all() === `${link} ${link} ${link}`, 30_000, 250);
  lab.run("px", "ip link set net1 down");
  try {
    await until("the lists are gone", () => all().trim() === "", 15_000, 250);
  } finally {
    lab.run("px", "ip link set net1 up");
  }
  await until("it is listed again", () => listed("lb") === link, 30_000, 250);
});

it("a reverse zone that takes no updates does not keep a link from its own [UP-7]", async () => {
  await named({ reverse });
  const wrong = Buffer.from(secret, "base64").reverse().toString("base64");
  const daemon = await discd({ update: update(wrong) });
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  await until("the log tells of the other", () => daemon.log.join().includes(apex), 30_000, 250);
  expect(listed("lb")).toBe("");
});
