// Stories of what a server turns out to keep (TO-20): leases if it was seen to
// end one, else TIMEOUT records, else nothing. The trial costs little, delays
// nothing, and leaves nothing behind.

import { describe, expect, test } from "vitest";
import { displayName } from "../../src/wire/name.js";
import { findLease } from "../../src/wire/update-lease.js";
import { epoch, type Primary } from "./primary.js";
import { gone, linesOf, printer, type StageProxy, ZoneStage } from "./zone-stage.js";

const laser = printer("Laser");
const inkjet = printer("Inkjet", { address: "192.0.2.6" });

function ready(prepare: (primary: Primary) => void = () => {}, settings = {}) {
  const stage = new ZoneStage();
  prepare(stage.primary);
  const proxy = stage.proxy({ lifetime: undefined, ...settings }).start();
  stage.at(10);
  return { stage, proxy, primary: stage.primary };
}

const isProbe = (line: string) => line.startsWith("_discd-probe-");
const lifetimeOf = (proxy: StageProxy) => proxy.publisher.state().lifetime;

/** What each update is about: the trial's record, or the zone's contents. */
const updatesOf = (primary: Primary) =>
  primary.updates().map(({ message: { authorities, edns } }) => {
    const [first] = authorities;
    const lease = findLease(edns?.options ?? [])?.leaseSeconds;
    const what = first !== undefined && isProbe(displayName(first.name)) ? "probe" : "data";
    return `${what} ${first?.class === 1 ? "add" : "remove"} ${lease ?? "-"}`;
  });

describe("a server that knows no leases", () => {
  test("two messages after the first filling, then TIMEOUTs as before [TO-20]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    expect(updatesOf(primary)).toEqual(["data add -", "probe add 1", "probe remove -"]);
    const [data, add] = primary.updates();
    expect(add?.message.answers).toMatchObject([{ type: 255, class: 254 }]);
    expect((add?.at ?? 0) - (data?.at ?? 0)).toBeLessThan(2);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(primary.published(true).length).toBe(2 * linesOf(laser).length);
    expect(lifetimeOf(proxy)).toBe("timeout");
    expect(proxy.publisher.isSettled).toBe(true);
    // It is remembered: nothing is tried again while discd runs.
    proxy.offer(inkjet);
    stage.at(4000);
    expect(updatesOf(primary).filter((each) => each.startsWith("probe")).length).toBe(2);
  });

  test("nor TIMEOUTs: records end by the state file alone [TO-20] [UP-64]", () => {
    const { stage, proxy, primary } = ready((primary) => {
      primary.script = ({ authorities }) =>
        authorities.some(({ type }) => type === 65280) ? 1 : undefined;
    });
    proxy.offer(laser);
    stage.at(20);
    expect(lifetimeOf(proxy)).toBe("none");
    expect(primary.published(true)).toEqual(linesOf(laser));
  });

  test("filling goes first, however long it takes [TO-20]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(...Array.from({ length: 300 }, (_, index) => printer(`P${index}`)));
    stage.at(40);
    const order = updatesOf(primary).map((each) => each.split(" ")[0]);
    expect(order.indexOf("probe")).toBeGreaterThan(4);
    expect(order.lastIndexOf("data")).toBeLessThan(order.indexOf("probe"));
    expect(primary.published().length).toBe(300 * 4 + 1);
  });

  test("nothing is tried before something is published, or when lifetimes are configured", () => {
    const idle = ready();
    idle.stage.at(600);
    expect(idle.primary.updates()).toEqual([]);
    for (const lifetime of ["timeout", "lease", "none"] as const) {
      const { stage, proxy, primary } = ready(() => {}, { lifetime });
      proxy.offer(laser);
      stage.at(600);
      expect(updatesOf(primary).some((each) => each.startsWith("probe"))).toBe(false);
    }
  });
});

describe("a server that grants a lease", () => {
  test("and keeps it: leases from then on, no TIMEOUT is left [TO-20] [TO-23]", () => {
    const { stage, proxy, primary } = ready((primary) => {
      primary.grants = (asked) => asked;
    });
    proxy.offer(laser);
    stage.at(14);
    expect(lifetimeOf(proxy)).toBe("timeout");
    stage.at(40);
    expect(lifetimeOf(proxy)).toBe("lease");
    expect(primary.published(true)).toEqual(linesOf(laser));
    const kinds = updatesOf(primary);
    expect(kinds.slice(0, 2)).toEqual(["data add -", "probe add 1"]);
    expect(kinds.filter((each) => each.startsWith("probe")).length).toBe(1);
    const added = primary.updates().filter(({ message }) => message.answers.length === 0);
    expect(findLease(added.at(-1)?.message.edns?.options ?? [])?.leaseSeconds).toBe(7200);
    expect(proxy.logged.join()).toContain('update-lifetime {"zone":"link1.discd.test","lifetime":');
    // A day later it is still there, by refreshes alone; who dies is forgotten in two hours.
    stage.at(86_400);
    expect(primary.published()).toEqual(linesOf(laser));
    proxy.kill();
    const other = stage.proxy({}, 9).start();
    stage.at(86_400 + 7300);
    expect(primary.published()).toEqual([]);
    expect(lifetimeOf(other)).toBe("timeout");
  });

  test("and keeps nothing: it is not trusted, the record is removed [TO-20]", () => {
    const { stage, proxy, primary } = ready((primary) => {
      primary.grants = (asked) => asked;
      primary.endsLeases = false;
    });
    proxy.offer(laser);
    stage.at(15);
    expect(primary.published().filter(isProbe).length).toBe(1);
    stage.at(20);
    expect(updatesOf(primary)).toEqual(["data add -", "probe add 1", "probe remove -"]);
    expect(primary.published().filter(isProbe)).toEqual([]);
    expect(lifetimeOf(proxy)).toBe("timeout");
  });

  test("of 30 s at least: that long is waited, and publishing goes on meanwhile [TO-27]", () => {
    const { stage, proxy, primary } = ready((primary) => {
      primary.grants = (asked) => Math.max(30, Math.min(asked, 86_400));
    });
    proxy.offer(laser);
    stage.at(20);
    proxy.offer(inkjet);
    stage.at(25);
    expect(primary.published().filter((line) => !isProbe(line))).toEqual(linesOf(laser, inkjet));
    stage.at(45);
    expect(lifetimeOf(proxy)).toBe("timeout");
    stage.at(60);
    expect(lifetimeOf(proxy)).toBe("lease");
    expect(primary.published(true)).toEqual(linesOf(laser, inkjet));
  });

  test("of hours for a second: that is not waited for, and not trusted [TO-20] [TO-27]", () => {
    const { stage, proxy, primary } = ready((primary) => {
      primary.grants = () => 86_400;
    });
    proxy.offer(laser);
    stage.at(20);
    expect(updatesOf(primary)).toEqual(["data add -", "probe add 1", "probe remove -"]);
    expect(lifetimeOf(proxy)).toBe("timeout");
  });

  test("in eight octets: the first four count [TO-24]", () => {
    const { stage, proxy, primary } = ready((primary) => {
      primary.grants = () => 60;
      primary.leaseBytes = 8;
    });
    proxy.offer(laser);
    stage.at(100);
    expect(lifetimeOf(proxy)).toBe("lease");
    const before = primary.updates().length;
    stage.at(100 + 51 * 4);
    const times = primary.updates().slice(before - 1);
    const gaps = times.slice(1).map(({ at }, index) => at - (times[index]?.at ?? 0));
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(48);
      expect(gap).toBeLessThanOrEqual(52.1);
    }
    expect(gaps.length).toBeGreaterThanOrEqual(3);
  });
});

describe("the trial's record", () => {
  const patient = (primary: Primary) => {
    primary.grants = () => 200;
    primary.endsLeases = false;
  };

  test("is ours in the state file: killed amid the trial, nothing stays [TO-20]", () => {
    const { stage, proxy, primary } = ready(patient);
    proxy.offer(laser);
    stage.at(20);
    expect(primary.published().filter(isProbe).length).toBe(1);
    const own = proxy.kill();
    const second = stage.proxy({}, 7).start(own);
    second.offer(laser);
    stage.at(200);
    expect(primary.published()).toEqual(linesOf(laser));
  });

  test("survives a look at the whole zone, and goes when all is withdrawn [TO-20]", () => {
    const { stage, proxy, primary } = ready(patient);
    stage.at(130);
    proxy.offer(laser);
    stage.at(140);
    primary.add("other.link1.discd.test 120 A 192.0.2.200");
    stage.at(230);
    expect(primary.published().filter(isProbe).length).toBe(1);
    proxy.offer(gone(laser));
    stage.at(235);
    expect(primary.published()).toEqual(["other.link1.discd.test. 120 A 192.0.2.200"]);
    expect(proxy.publisher.isSettled).toBe(true);
  });

  test.each(["close", "silence", 5, 2] as const)("%s as its answer costs nothing else", (how) => {
    let isLeft = true;
    const { stage, proxy, primary } = ready((primary) => {
      primary.grants = () => 1;
      primary.script = ({ authorities }) => {
        const isAdd = authorities.some(
          (rr) => isProbe(displayName(rr.name)) && rr.class === 1 && isLeft,
        );
        if (isAdd) isLeft = false;
        return isAdd ? how : undefined;
      };
    });
    proxy.offer(laser);
    stage.at(60);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(lifetimeOf(proxy)).toBe("timeout");
    expect(proxy.publisher.isSettled).toBe(true);
    expect(proxy.publisher.state().trouble).toBeUndefined();
  });
});

test("a clock that is not trusted: leases without a trial, TIMEOUTs once it is [TO-8]", () => {
  let isTrusted = false;
  const clock = {
    secondsAt: (now: number) => epoch + (now - 1_000_000) / 1000,
    isTrusted: () => isTrusted,
  };
  const { stage, proxy, primary } = ready(() => {}, { clock });
  proxy.offer(laser);
  stage.at(100);
  expect(updatesOf(primary)).toEqual(["data add 7200"]);
  expect(lifetimeOf(proxy)).toBe("lease");
  isTrusted = true;
  stage.at(180);
  expect(lifetimeOf(proxy)).toBe("timeout");
  expect(primary.published(true).length).toBe(2 * linesOf(laser).length);
  // Lost again, what was written stays as it is.
  isTrusted = false;
  stage.at(400);
  expect(primary.published(true).length).toBe(2 * linesOf(laser).length);
});

test("another lifetime in the configuration: what is there is written anew", () => {
  const { stage, proxy, primary } = ready(() => {}, { lifetime: "timeout" });
  proxy.offer(laser);
  stage.at(20);
  const change = (lifetime: "none" | "lease" | "timeout") => {
    const { key } = stage;
    proxy.publisher.configure(proxy.now, { key, lifetime, recordsMax: 20_000 });
    proxy.drain();
    stage.at(stage.now + 10);
  };
  change("none");
  expect(primary.published(true)).toEqual(linesOf(laser));
  change("timeout");
  expect(primary.published(true).length).toBe(2 * linesOf(laser).length);
  change("lease");
  expect(primary.published(true)).toEqual(linesOf(laser));
  const last = primary.updates().at(-1)?.message;
  expect(findLease(last?.edns?.options ?? [])?.leaseSeconds).toBe(7200);
});
