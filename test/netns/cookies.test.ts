// DNS Cookies between discd and a real BIND that share a secret, as two servers of
// one anycast address do: what one hands out, the other takes. BIND is told to
// take nothing without a good cookie, so that its rcode says what it thinks of one.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Dug } from "./clients.js";
import type { Daemon } from "./daemon.js";
import { F2, type Lab, laboratory, officeConfig } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("dig", "named");
const secret = "9a5d21b8c07f4e63b1d8240fe3956c7a";

/** Addresses of discd and of BIND. */
const servers = { ipv4: ["10.8.0.53", "10.9.0.53"], ipv6: ["2001:db8:8::53", "2001:db8:9::53"] };

let lab: Lab;
let discd: Daemon;

laboratory(async (built) => {
  lab = built;
  const lines = [`${F2}. NS px.example.com.`, "px.example.com. A 10.8.0.53"];
  await lab.bind(
    "dns",
    ["10.9.0.53", "2001:db8:9::53"],
    [{ origin: "example.com.", lines }],
    [
      "cookie-algorithm siphash24;",
      `cookie-secret "${secret}";`,
      "require-server-cookie yes;",
      "recursion yes;",
    ],
  );
  discd = await lab.discd(`${officeConfig}\ncookies = { secret = '${secret}' }`);
});

/** The option that dig printed, 24 bytes, and what it thinks of it. */
function cookieIn({ text }: Dug): string {
  const found = /^; COOKIE: ([0-9a-f]{48}) \(good\)$/m.exec(text);
  if (found === null) throw new Error(`no cookie that is good:\n${text}`);
  return found[1] as string;
}

/** Asks for the SOA of the zone that a server has; BADCOOKIE is shown and not tried again. */
const ask = (server: string, cookie: string, ...words: string[]) => {
  const zone = servers.ipv4[0] === server || servers.ipv6[0] === server ? F2 : "example.com.";
  return lab.dig(`@${server}`, "SOA", zone, `+cookie${cookie}`, "+nobadcookie", ...words);
};

/** A query without a question, by which only a cookie is judged (RFC 7873 §5.4). */
const confirm = (server: string, cookie: string) =>
  lab.dig(`@${server}`, "+header-only", `+cookie=${cookie}`, "+nobadcookie");

/** The same with its hash changed. */
const spoilt = (cookie: string) =>
  cookie.slice(0, 40) + (cookie.slice(40) === "00000000" ? "1" : "0").repeat(8);

for (const family of ["ipv4", "ipv6"] as const) {
  const [own, bind] = servers[family] as [string, string];

  it(`[EDNS-12] what discd hands out, BIND takes, over ${family}`, async () => {
    const cookie = cookieIn(await ask(own, ""));
    expect(cookie.slice(16, 24)).toBe("01000000");
    const taken = await ask(bind, `=${cookie}`);
    expect(taken.status).toBe("NOERROR");
    expect(taken.answer).toHaveLength(1);
    expect(cookieIn(taken).slice(0, 24)).toBe(cookie.slice(0, 24));
    expect((await ask(bind, `=${spoilt(cookie)}`)).status).toBe("BADCOOKIE");
  });

  it(`[EDNS-12] what BIND hands out, discd takes, over ${family}`, async () => {
    const first = await ask(bind, "");
    expect(first.status).toBe("BADCOOKIE");
    const cookie = cookieIn(first);
    await sleep(1100);
    // A cookie that discd does not take is replaced by one of this second.
    expect(cookieIn(await ask(own, `=${cookie}`))).toBe(cookie);
    expect(cookieIn(await ask(own, `=${cookie}`, "+tcp"))).toBe(cookie);
    expect((await confirm(own, cookie)).status).toBe("NOERROR");
    const bad = await confirm(own, spoilt(cookie));
    expect(bad.status).toBe("BADCOOKIE");
    const renewed = cookieIn(bad);
    expect(renewed).not.toBe(cookie);
    expect((await ask(bind, `=${renewed}`)).status).toBe("NOERROR");
  });
}

it("[EDNS-12] without a good one, a client is served as before; 9 bytes are FORMERR", async () => {
  const [own] = servers.ipv4 as [string];
  const cookie = spoilt(cookieIn(await ask(own, "")));
  for (const way of ["+notcp", "+tcp"]) {
    const served = await ask(own, `=${cookie}`, way);
    expect(served.status).toBe("NOERROR");
    expect(served.answer).toHaveLength(1);
    expect(cookieIn(served)).not.toBe(cookie);
    expect((await ask(own, `=${cookie.slice(0, 18)}`, way)).status).toBe("FORMERR");
  }
});

it("[EDNS-12] a BIND that resolves comes back with the cookie it was given", async () => {
  const counted = async () => {
    const { engine } = (await discd.state()) as { engine: { counts?: Record<string, number> } };
    return engine.counts?.["cookies/good"] ?? 0;
  };
  const before = await counted();
  for (const name of ["SOA", "NS"]) {
    const resolved = await lab.dig("@10.9.0.53", name, `${F2}.`, "+recurse");
    expect(resolved.status).toBe("NOERROR");
    expect(resolved.answer.length).toBeGreaterThan(0);
  }
  expect(await counted()).toBeGreaterThan(before);
});

it("[EDNS-12] a file with a secret that everybody may read is warned of", () => {
  const lines = discd.log.filter((line) => line.includes("cookies.secret"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("chmod o-r");
  expect(discd.log.join("\n")).not.toContain(secret);
});
