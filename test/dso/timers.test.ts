// The timers of a session in virtual time (RFC 8490 §6, §7.1.1): when a server
// resets it, and what keeps it alive.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { example } from "./examples.js";
import { granted, Stage } from "./stage.js";

const query = "0d01 0000 0001 0000 0000 0000 036c616200 0006 0001";

/** A stage on which the client has said E01 at second 0. */
function opened(inactivity: number, keepalive = 3600): Stage {
  const stage = new Stage({
    granted: { inactivity: seconds(inactivity), keepalive: seconds(keepalive) },
  });
  stage.says("E01");
  stage.heard();
  return stage;
}

describe("inactivity", () => {
  test.each([
    [0, 5],
    [2, 5],
    [2.5, 5],
    [10, 20],
    [30, 60],
  ])("granted %f s: reset at %f s [DSO-30]", (inactivity, end) => {
    const stage = opened(inactivity);
    expect(stage.run(end - 0.001).reset).toBe(undefined);
    expect(stage.run(end).reset).toEqual({ reason: "inactive", at: end });
  });

  test("Keepalives are no activity [DSO-28]", () => {
    const stage = opened(15);
    for (let second = 5; second < 30; second += 5) stage.run(second).says("E01");
    expect(stage.run(30).reset).toEqual({ reason: "inactive", at: 30 });
  });

  test("nor of a client that is overdue already [DSO-28] [DSO-35]", () => {
    const stage = opened(10);
    for (const second of [11, 14, 17, 19.5]) stage.run(second).says("E01");
    expect(stage.run(100).reset).toEqual({ reason: "inactive", at: 20 });
  });

  test("nor is a wrong Keepalive", () => {
    const stage = opened(15);
    stage.run(20).says("1a2b 3000 0000000000000000 0001 0000");
    expect(stage.run(100).reset).toEqual({ reason: "inactive", at: 30 });
  });

  test.each([
    ["an unknown request", "E05"],
    ["an unmatched UNSUBSCRIBE", "E28"],
  ])("%s is activity [DSO-28]", (_what, message) => {
    const stage = opened(15);
    stage.run(20).says(message);
    expect(stage.run(100).reset).toEqual({ reason: "inactive", at: 50 });
  });

  test("while a query waits for its answer the timer stands still [DSO-29]", () => {
    const stage = opened(15);
    stage.run(10).says(query);
    stage.run(100);
    expect(stage.reset).toBe(undefined);
    stage.session.answered(stage.now);
    expect(stage.run(200).reset).toEqual({ reason: "inactive", at: 130 });
  });

  test("two queries: until both are answered, or dropped [DSO-29]", () => {
    const stage = opened(15);
    stage.says(query);
    stage.says(query);
    stage.run(50);
    stage.session.answered(stage.now);
    stage.run(150);
    stage.session.dropped(stage.now);
    expect(stage.run(300).reset).toEqual({ reason: "inactive", at: 180 });
  });

  test("a query that was asked before the session counts as well [DSO-29]", () => {
    const stage = new Stage({ granted: { ...granted, inactivity: seconds(15) } });
    stage.says(query);
    stage.says("E01");
    stage.run(100);
    stage.session.answered(stage.now);
    expect(stage.run(200).reset).toEqual({ reason: "inactive", at: 130 });
  });

  test("with a subscription it is quiet for minutes; without, it ends [DSO-29]", () => {
    const stage = opened(15);
    stage.says("E20");
    expect(stage.run(300).reset).toBe(undefined);
    stage.session.ended(stage.now, 0x0102);
    expect(stage.run(1000).reset).toEqual({ reason: "inactive", at: 330 });
  });
});

describe("keepalive", () => {
  test("nothing said for twice the interval [DSO-31]", () => {
    const stage = opened(15, 10);
    stage.says("E20");
    expect(stage.run(19.999).reset).toBe(undefined);
    expect(stage.run(20).reset).toEqual({ reason: "silent", at: 20 });
  });

  test("any message of ours will do, and any of theirs [DSO-31] [DSO-28]", () => {
    const stage = opened(15, 10);
    stage.says("E20");
    stage.run(15).session.send(stage.now, example("E23"));
    stage.run(30).says("E01");
    expect(stage.run(100).reset).toEqual({ reason: "silent", at: 50 });
  });

  test("a session opened by SUBSCRIBE lives by what it was told [DSO-38] [DSO-27]", () => {
    const stage = new Stage();
    stage.says("E20");
    expect(stage.run(7199).reset).toBe(undefined);
    expect(stage.run(7200).reset).toEqual({ reason: "silent", at: 7200 });
  });
});

describe("new values", () => {
  test("hold for the timer that runs, which is not restarted [DSO-35]", () => {
    const stage = opened(60);
    stage.run(20).session.configure(stage.now, { inactivity: seconds(30), keepalive: ms(3.6e6) });
    expect(stage.heard()).toEqual(["0000300000000000000000000001000800007530" + "0036ee80"]);
    expect(stage.run(100).reset).toEqual({ reason: "inactive", at: 60 });
  });

  test("that make the client overdue come with a grace [DSO-35]", () => {
    const stage = opened(60);
    stage.run(20).session.configure(stage.now, { inactivity: seconds(5), keepalive: ms(3.6e6) });
    expect(stage.run(24.999).reset).toBe(undefined);
    expect(stage.run(25).reset).toEqual({ reason: "inactive", at: 25 });
  });

  test("the grace of long values is a quarter of them [DSO-35]", () => {
    const stage = opened(600);
    stage.run(1100).session.configure(stage.now, { inactivity: seconds(80), keepalive: ms(3.6e6) });
    expect(stage.run(2000).reset).toEqual({ reason: "inactive", at: 1120 });
  });

  test("the same values are not said again", () => {
    const stage = opened(30);
    stage.session.configure(stage.now, granted);
    expect(stage.heard()).toEqual([]);
  });
});
