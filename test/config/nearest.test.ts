// The nearest known key: distances counted by hand.

import { expect, test } from "vitest";
import { nearestOf, stepsBetween } from "../../src/config/nearest.js";

test.each([
  ["", "", 0],
  ["wait", "wait", 0],
  ["wait", "Wait", 0],
  ["", "abc", 3],
  ["subdomian", "subdomain", 1],
  ["host", "hosts", 1],
  ["alow", "allow", 1],
  ["waitt", "wait", 1],
  ["rete", "rate", 1],
  ["kitten", "sitting", 3],
  ["ca", "abc", 3],
  ["a".repeat(1000), "a".repeat(64), 0],
])("%j is as far from %j as %i", (one, other, steps) => {
  expect(stepsBetween(one, other)).toBe(steps);
  expect(stepsBetween(other, one)).toBe(steps);
});

test.each([
  ["subdomian", "subdomain"],
  ["interface", "interfaces"],
  ["hostname ", "hostname"],
  ["host-name", "hostname"],
  ["zone", "zones"],
])("[A1.12] %j is meant to be %j", (word, want) => {
  expect(nearestOf(word, ["zones", "interfaces", "hostname", "subdomain", "hosts"])).toBe(want);
});

test.each([
  ["cert", "certificate"],
  ["Cert", "certificate"],
  ["ce", "tls"],
  ["tl", "tls"],
])("%j is the beginning of a word, or too short for one: %j", (word, want) => {
  expect(nearestOf(word, ["tls", "port", "certificate"])).toBe(want);
});

test("nothing to choose from", () => expect(nearestOf("x", [])).toBeUndefined());
