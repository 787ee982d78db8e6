// How fast something grows.

import { expect, test } from "vitest";
import { Trend } from "../../src/api/trend.js";
import { instant, seconds } from "../../src/time.js";

test("growth is told over the span, and what is older is forgotten", () => {
  const trend = new Trend(seconds(2));
  expect(trend.per(seconds(1))).toBe(0);
  trend.look(instant(0), 100);
  expect(trend.per(seconds(1))).toBe(0);
  trend.look(instant(1000), 110);
  expect(trend.per(seconds(1))).toBe(10);
  trend.look(instant(2000), 110);
  expect(trend.per(seconds(1))).toBe(5);
  trend.look(instant(3000), 110);
  trend.look(instant(4000), 110);
  expect(trend.per(seconds(1))).toBe(0);
});

test("a minute is told per minute, before a whole one has passed as well", () => {
  const trend = new Trend(seconds(60));
  for (let at = 0; at <= 30; at++) trend.look(instant(at * 1000), at * 2);
  expect(trend.per(seconds(60))).toBe(120);
  for (let at = 31; at <= 300; at++) trend.look(instant(at * 1000), 60);
  expect(trend.per(seconds(60))).toBe(0);
});

test("what came in the last minute is counted, and not made more of than it is", () => {
  const trend = new Trend(seconds(60));
  trend.look(instant(0), 0);
  trend.look(instant(4000), 43);
  expect(trend.grown(43)).toBe(43);
  expect(trend.grown(45)).toBe(45);
  for (let at = 5; at <= 70; at++) trend.look(instant(at * 1000), 45);
  expect(trend.grown(45)).toBe(0);
  expect(trend.grown(46)).toBe(1);
});

test("looks that come too often count for nothing, and a number never shrinks", () => {
  const trend = new Trend(seconds(2));
  trend.look(instant(0), 10);
  trend.look(instant(1), 1000);
  expect(trend.per(seconds(1))).toBe(0);
  trend.look(instant(1000), 5);
  expect(trend.per(seconds(1))).toBe(0);
});
