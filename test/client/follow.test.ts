// Following a question through everything that can go wrong: who is asked, over
// which way, how often, and what the user is told of it.

import { describe, expect, test } from "vitest";
import { connectPatience, guessPatience, settleTime } from "../../src/client/limits.js";
import { hex } from "../wire/captures.js";
import {
  type Channel,
  foyer,
  ipp,
  lab,
  llqDoor,
  lobby,
  type Names,
  pushDoor,
  pushPlace,
  Stage,
  withId,
} from "./stage.js";

const zeros = "0000000000000000";
const open = { [pushDoor]: "open", [llqDoor]: "open" } as const;

/** The server takes the session and the first subscription. */
function accept(stage: Stage, channel = stage.last): Channel {
  stage.says(channel, withId(1, "E02"), withId(2, "E21"));
  channel.heard.splice(0);
  return channel;
}

/** A question followed by Push from the start. */
function pushed(names: Names = lab): { stage: Stage; channel: Channel } {
  const stage = new Stage(names, { ...open }).follow();
  const channel = accept(stage);
  stage.says(channel, "E23");
  expect(stage.texts()).toEqual([`way push ${pushPlace}`, `+ ${lobby()}`]);
  return { stage, channel };
}

describe("Push", () => {
  test("zone, SRV, address, session, subscription, records [PUSH-04] [PUSH-18]", () => {
    const stage = new Stage(lab, { ...open }).follow();
    expect(stage.asked.map(({ what }) => what)).toEqual([
      `${ipp} SOA`,
      "_dns-push-tls._tcp.lab.example.com. SRV",
      "px.example.com. AAAA",
      "px.example.com. A",
    ]);
    expect(stage.last.effect).toMatchObject({
      transport: "tls",
      address: "192.0.2.1",
      port: 8853,
      identity: "lab.example.com",
    });
    expect(stage.heard(stage.last)).toHaveLength(2);
    accept(stage);
    stage.says(stage.last, "E23", "E24");
    expect(stage.texts()).toEqual([
      `way push ${pushPlace}`,
      `+ ${lobby()}`,
      `- ${lobby()}`,
      `+ ${foyer()}`,
    ]);
    expect(stage.run(3000).channels).toHaveLength(1);
  });

  test("not a byte leaves before the certificate is verified [TLS-08]", () => {
    const reason = "its certificate is signed by nobody who is trusted here";
    const stage = new Stage(lab, { [pushDoor]: { untrusted: reason } }).follow();
    const [channel] = stage.channels;
    expect(channel?.effect.transport).toBe("tls");
    expect(channel?.heard).toEqual([]);
    expect(stage.texts()[0]).toBe(`failed no Push at ${pushPlace}: ${reason}`);
    // Push is never tried without TLS.
    expect(stage.channels.map(({ effect }) => effect.transport)).toEqual(["tls", "udp"]);
  });

  test("what keeps us from Push and from an LLQ at one server is told once", () => {
    const names: Names = {
      ...lab,
      "_dns-llq-tls._tcp.lab.example.com. SRV": {
        answer: "_dns-llq-tls._tcp.lab.example.com. 600 SRV 0 0 854 px.example.com.",
      },
    };
    const untrusted = "its certificate is self-signed; if it is yours: --pin x";
    const doors = { [pushDoor]: { untrusted }, "tls 192.0.2.1 854": { untrusted } };
    const stage = new Stage(names, doors).follow().run(60);
    const told = stage.texts().filter((text) => text.startsWith("failed"));
    expect(stage.channels.map(({ effect }) => effect.port)).toContain(854);
    expect(told.filter((text) => text.includes("self-signed"))).toEqual([
      `failed no Push at ${pushPlace}: ${untrusted}`,
    ]);
  });

  test("a server that stays silent is reset at 30 s, and left for an hour [DSO-06]", () => {
    const stage = new Stage(lab, { [pushDoor]: "open" }).follow();
    stage.run(3700);
    const tries = stage.channels.filter(({ effect }) => effect.transport === "tls");
    expect(tries[0]).toMatchObject({ at: 0, end: "abort", endedAt: 30 });
    expect(tries[1]?.at).toBeGreaterThanOrEqual(3630);
    expect(tries[0]?.heard).toHaveLength(2);
    expect(stage.texts().join()).toContain("has not answered for 30 s");
  });

  test("a broken PUSH resets the session, and the server is left for an hour [PUSH-19]", () => {
    const { stage, channel } = pushed();
    stage.says(channel, hex(`00003000${zeros}00410000`));
    expect(channel.end).toBe("abort");
    stage.run(3590);
    expect(stage.channels.filter(({ effect }) => effect.transport === "tls")).toHaveLength(1);
  });

  test("dropped twice before it took anything: no DSO there for an hour [DSO-06]", () => {
    const stage = new Stage(lab, { [pushDoor]: "open" }).follow();
    stage.input({ kind: "closed", channel: stage.last.number });
    expect(stage.channels.map(({ at, effect }) => [at, effect.transport])).toEqual([
      [0, "tls"],
      [0, "tls"],
    ]);
    stage.input({ kind: "closed", channel: stage.last.number }).run(3500);
    expect(stage.channels.filter(({ effect }) => effect.transport === "tls")).toHaveLength(2);
    stage.run(4600);
    expect(stage.channels.filter(({ effect }) => effect.transport === "tls")).toHaveLength(3);
  });

  test("a session that is lost comes back; what is not told again goes [PUSH-30]", () => {
    const { stage, channel } = pushed();
    stage.run(100);
    stage.input({ kind: "closed", channel: channel.number });
    expect(stage.channels).toHaveLength(1);
    stage.run(103);
    expect(stage.channels).toHaveLength(2);
    accept(stage);
    stage.says(
      stage.last,
      hex(
        "00003000 0000000000000000 0041002d 045f697070045f746370036c6162076578616d706c6503636f6d00000c000100001194000805466f796572c010",
      ),
    );
    expect(stage.texts()).toEqual([
      `failed Push at ${pushPlace} ended: the connection was closed`,
      `way push ${pushPlace}`,
      `+ ${foyer()}`,
    ]);
    stage.run(103 + settleTime / 1000 - 0.1);
    expect(stage.texts()).toEqual([]);
    stage.run(103 + settleTime / 1000);
    expect(stage.texts()).toEqual([`- ${lobby()}`]);
  });

  test("records age while nobody tells of them [PUSH-30]", () => {
    const { stage, channel } = pushed();
    stage.names = { [`${ipp} PTR`]: "silent", [`${ipp} SOA`]: "silent" };
    stage.run(1000);
    stage.input({ kind: "closed", channel: channel.number });
    stage.run(5499).news();
    stage.run(5501);
    expect(stage.texts()).toEqual([`- ${lobby()}`]);
  });

  test("a short Retry Delay is waited for to the millisecond, a long one not [DSO-45]", () => {
    const { stage, channel } = pushed();
    stage.run(100);
    stage.says(channel, hex(`00003000${zeros}0002000400004e20`));
    expect(channel.end).toBe("close");
    stage.run(119.999);
    expect(stage.channels).toHaveLength(1);
    stage.run(120);
    expect(stage.channels).toHaveLength(2);
    accept(stage);
    stage.says(stage.last, "E04").run(150);
    expect(stage.last.effect.transport).toBe("udp");
  });

  test("NOTAUTH is about the zone, other refusals about the server [PUSH-15]", () => {
    const other = "_ipp._tcp.attic.example.com.";
    const soa = "attic.example.com. 600 SOA px.example.com. a.example.com. 0 1 1 1 10";
    const names: Names = {
      ...lab,
      [`${other} SOA`]: { authority: soa },
      "_dns-push-tls._tcp.attic.example.com. SRV": {
        answer: "_dns-push-tls._tcp.attic.example.com. 600 SRV 0 0 8853 px.example.com.",
      },
    };
    for (const [refusal, channels] of [
      ["E22", 1],
      [`0102b005${zeros}`, 0],
    ] as const) {
      const stage = new Stage(names, { [pushDoor]: "open" }, { takesLlq: false });
      stage.covers = "any";
      stage.follow();
      stage.says(stage.last, withId(1, "E02"), withId(2, refusal));
      stage.input({ kind: "closed", channel: stage.last.number });
      const before = stage.channels.length;
      stage.follow(other);
      expect(stage.channels.length - before).toBe(channels);
    }
  });

  test("the user leaves: UNSUBSCRIBE, then a graceful close [PUSH-31] [TLS-12]", () => {
    const { stage, channel } = pushed();
    stage.client.end(stage.now);
    stage.drain();
    expect(stage.heard(channel)).toEqual([`00003000${zeros}004200020002`]);
    expect(channel.end).toBe("close");
    expect(stage.client.nextDeadline()).toBe(undefined);
  });

  test("nobody opens: the next address, the next way, each in its time", () => {
    const stage = new Stage(lab, { [pushDoor]: "hanging" }, { resolvers: ["192.0.2.53"] });
    stage.doors["tls 192.0.2.53 853"] = "hanging";
    stage.follow().run(20);
    expect(stage.channels.map(({ at, effect }) => [at, effect.address, effect.transport])).toEqual([
      [0, "192.0.2.53", "tls"],
      [guessPatience / 1000, "192.0.2.1", "tls"],
      [(guessPatience + connectPatience) / 1000, "192.0.2.1", "udp"],
    ]);
  });

  test("the resolver itself is tried first, proven by its address [PUSH-04]", () => {
    const doors = { "tls 192.0.2.53 853": "open" } as const;
    const stage = new Stage(lab, { ...doors }, { resolvers: ["192.0.2.53"] });
    stage.covers = ["192.0.2.53"];
    stage.follow();
    expect(stage.last.effect.identity).toBe("192.0.2.53");
    accept(stage);
    expect(stage.asked).toEqual([]);
    expect(stage.texts()).toEqual(["way push 192.0.2.53 port 853"]);
  });
});

test("a resolver that was no use as such may be the zone's server", () => {
  const names: Names = {
    ...lab,
    "_dns-push-tls._tcp.lab.example.com. SRV": {
      answer: "_dns-push-tls._tcp.lab.example.com. 600 SRV 0 0 853 px.example.com.",
    },
  };
  const doors = { "tls 192.0.2.1 853": { untrusted: "not by that name" } };
  const stage = new Stage(names, doors, { resolvers: ["192.0.2.1"], takesLlq: false }).follow();
  expect(stage.channels.map(({ effect }) => effect.identity)).toEqual([
    "192.0.2.1",
    "lab.example.com",
  ]);
  // The first was a guess, of which nothing is told, and which is not repeated soon.
  expect(stage.run(100).texts()).toHaveLength(3);
  expect(stage.channels.filter(({ effect }) => effect.identity === "192.0.2.1")).toHaveLength(1);
});

describe("one session for several questions", () => {
  const scan = "_scanner._tcp.lab.example.com.";
  const soa = "lab.example.com. 600 SOA px.example.com. a.example.com. 0 1 1 1 10";
  const names: Names = { ...lab, [`${scan} SOA`]: { authority: soa } };

  test("the same host and port are reused, open or about to be [PUSH-04]", () => {
    const stage = new Stage(names, { ...open }).follow().follow(scan);
    expect(stage.channels).toHaveLength(1);
    const later = new Stage(names, { [pushDoor]: "hanging" }).follow().follow(scan);
    expect(later.channels).toHaveLength(1);
    const { number: channel } = later.last;
    later.input({ kind: "connected", channel, covers: ["lab.example.com"] });
    expect(later.heard(later.last)).toHaveLength(3);
    expect(later.channels).toHaveLength(1);
  });

  test("a certificate that does not prove the other zone is not enough [TLS-08]", () => {
    const attic = "_ipp._tcp.attic.example.com.";
    const more: Names = {
      ...lab,
      [`${attic} SOA`]: { authority: soa.replace("lab", "attic") },
      "_dns-push-tls._tcp.attic.example.com. SRV": {
        answer: "_dns-push-tls._tcp.attic.example.com. 600 SRV 0 0 8853 px.example.com.",
      },
    };
    const apart = new Stage(more, { ...open }).follow().follow(attic);
    expect(apart.channels.map(({ effect }) => effect.identity)).toEqual([
      "lab.example.com",
      "attic.example.com",
    ]);
    for (const covers of ["any", ["LAB.example.com", "attic.example.com"], ["*.example.com"]]) {
      const stage = new Stage(more, { ...open });
      stage.covers = covers as string[];
      expect(stage.follow().follow(attic).channels).toHaveLength(1);
    }
  });

  test("the same question twice goes over two sessions [PUSH-09]", () => {
    expect(new Stage(lab, { ...open }).follow().follow().channels).toHaveLength(2);
  });
});

describe("a name that stands for another", () => {
  const owner = "045f697070045f746370036c6162076578616d706c6503636f6d00";
  const push = (value: string) => {
    const length = hex(value).length.toString(16).padStart(4, "0");
    return hex(`00003000${zeros}0041${length}${value}`);
  };
  // _ipp._tcp.lab.example.com CNAME _ipp._tcp.attic.example.com
  const rdata = "045f697070045f746370056174746963076578616d706c6503636f6d00";
  const length = (rdata.length / 2).toString(16).padStart(4, "0");

  test("the target is subscribed to as well, and left when the alias goes [PUSH-13]", () => {
    const attic = "_ipp._tcp.attic.example.com.";
    const soa = "example.com. 600 SOA px.example.com. a.example.com. 0 1 1 1 10";
    const stage = new Stage({ ...lab, [`${attic} SOA`]: { authority: soa } }, { ...open }).follow();
    stage.names = {
      ...stage.names,
      "_dns-push-tls._tcp.example.com. SRV": {
        answer: "_dns-push-tls._tcp.example.com. 600 SRV 0 0 8853 px.example.com.",
      },
    };
    stage.covers = "any";
    const channel = accept(stage);
    stage.says(channel, push(`${owner}0005000100001194${length}${rdata}`));
    const second = stage.last;
    expect(second).not.toBe(channel);
    accept(stage, second);
    stage.says(second, push(`${rdata}000c000100001194000401 61 c010`.replaceAll(" ", "")));
    expect(stage.texts()).toEqual([
      `way push ${pushPlace}`,
      `+ ${ipp} 4500 IN CNAME ${attic}`,
      `way push ${pushPlace}`,
      `+ ${attic} 4500 IN PTR a.${attic}`,
    ]);
    stage.says(channel, push(`${owner}00050001fffffffe0000`));
    expect(stage.texts()).toEqual([
      `- ${ipp} 4500 IN CNAME ${attic}`,
      `- ${attic} 4500 IN PTR a.${attic}`,
    ]);
    expect(stage.heard(second)).toEqual([`00003000${zeros}004200020002`]);
  });

  test("a ring of names ends", () => {
    const stage = new Stage(lab, { ...open });
    stage.covers = "any";
    stage.follow();
    const seen = new Set<Channel>();
    // Whatever is subscribed to stands for itself.
    for (let turn = 0; turn < 50; turn++) {
      const fresh = stage.channels.find((one) => !seen.has(one));
      if (fresh === undefined) break;
      seen.add(fresh);
      accept(stage, fresh);
      stage.says(fresh, push(`${owner}0005000100001194001b${owner}`));
    }
    expect(stage.channels).toHaveLength(9);
  });
});

describe("polling", () => {
  const doors = {};
  const off = { takesPush: false, takesLlq: false };
  const pollsOf = (stage: Stage) =>
    stage.asked.filter(({ what }) => what === `${ipp} PTR`).map(({ at }) => at);

  test("TTL and 2 s between polls [PUSH-37]", () => {
    const stage = new Stage(lab, doors, off).follow().run(40);
    expect(pollsOf(stage)).toEqual([0, 12, 24, 36]);
    expect(stage.texts()).toEqual(["way poll", `+ ${lobby(10)}`]);
  });

  test("no more than 15 minutes, however long the TTL [PUSH-37]", () => {
    const names = { [`${ipp} PTR`]: { answer: `${ipp} 86400 PTR Lobby.${ipp}` } };
    expect(pollsOf(new Stage(names, doors, off).follow().run(1900))).toEqual([0, 900, 1800]);
  });

  test("a TTL of nothing, or of nonsense, is no reason to ask without a pause", () => {
    for (const ttl of [0, 0xffff_ffff]) {
      const names = { [`${ipp} PTR`]: { answer: `${ipp} ${ttl} PTR Lobby.${ipp}` } };
      expect(pollsOf(new Stage(names, doors, off).follow().run(11))).toEqual([0, 5, 10]);
    }
  });

  test("what is nothing is asked for again as its SOA says [PUSH-37]", () => {
    const soa = "lab.example.com. 600 SOA a.example. b.example. 0 1 1 1 30";
    const names = { [`${ipp} PTR`]: { authority: soa, rcode: 3 } };
    expect(pollsOf(new Stage(names, doors, off).follow().run(70))).toEqual([0, 32, 64]);
  });

  test("Push is tried before each poll, and taken when it is there [PUSH-37]", () => {
    const stage = new Stage(lab, { [pushDoor]: "closed" }, { takesLlq: false }).follow().run(30);
    expect(stage.channels.map(({ at }) => at)).toEqual([0, 12, 24]);
    stage.news();
    stage.doors[pushDoor] = "open";
    stage.run(40);
    accept(stage);
    stage.says(stage.last, "E23").run(3000);
    expect(pollsOf(stage)).toEqual([0, 12, 24]);
    // The TTL differs; the record is the same.
    expect(stage.texts()).toEqual([`way push ${pushPlace}`]);
  });

  test("what was found on the way is asked for again when its TTL is over [PUSH-04]", () => {
    const stage = new Stage(lab, { [pushDoor]: "closed" }, { takesLlq: false }).follow().run(700);
    const srv = stage.asked.filter(({ what }) => what.endsWith(" SRV"));
    expect(srv.map(({ at }) => at)).toEqual([0, 600]);
    const walks = stage.asked.filter(({ what }) => what.endsWith(" SOA"));
    // Its "no such record" lasts 10 s, the SOA's minimum.
    expect(walks).toHaveLength(59);
  });

  test("records come and go with the answers, and with the TTL when nobody answers", () => {
    const stage = new Stage(lab, doors, off).follow();
    stage.names = { [`${ipp} PTR`]: { answer: `${ipp} 10 PTR Foyer.${ipp}` } };
    stage.news();
    stage.run(13);
    expect(stage.news()).toEqual([
      [12, `+ ${foyer(10)}`],
      [12, `- ${lobby(10)}`],
    ]);
    stage.names = { [`${ipp} PTR`]: "silent" };
    stage.run(47.9);
    expect(stage.news()).toEqual([[24, "failed no answer within 9 s"]]);
    stage.run(48);
    expect(stage.texts()).toEqual([`- ${foyer(10)}`]);
  });

  test("a resolver that is gone is asked ever more rarely, and told of once", () => {
    const stage = new Stage({ [`${ipp} PTR`]: { rcode: 2 } }, doors, off).follow().run(86_400);
    expect(stage.texts()).toEqual([
      expect.stringMatching(/^failed the resolver answers SERVFAIL: .* link is down$/),
    ]);
    const polls = pollsOf(stage);
    expect(polls.length).toBeLessThan(500);
    polls.forEach((at, index) => {
      if (index > 0) expect(at - (polls[index - 1] as number)).toBeGreaterThanOrEqual(5);
    });
  });

  test("records of other names do not count", () => {
    const names = {
      [`${ipp} PTR`]: { answer: `_ftp._tcp.lab.example.com. 10 PTR x.example.\n${ipp} 10 TXT "a"` },
    };
    expect(new Stage(names, doors, off).follow().texts()).toEqual(["way poll"]);
  });
});
