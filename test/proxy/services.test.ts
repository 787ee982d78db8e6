// Wildcards, and which types are shown.

import { describe, expect, test } from "vitest";
import type { ServiceRules } from "../../src/proxy/options.js";
import { fits } from "../../src/proxy/pattern.js";
import { isHidden, isShown, typeOf } from "../../src/proxy/services.js";
import { parseName } from "../../src/wire/name.js";

test.each([
  { pattern: "_ipp._tcp", text: "_ipp._tcp", want: true },
  { pattern: "_IPP._tcp", text: "_ipp._TCP", want: true },
  { pattern: "_ipp._tcp", text: "_ipps._tcp", want: false },
  { pattern: "_ipp*", text: "_ipps._tcp", want: true },
  { pattern: "_ipp?._tcp", text: "_ipps._tcp", want: true },
  { pattern: "_ipp?._tcp", text: "_ipp._tcp", want: false },
  { pattern: "*", text: "", want: true },
  { pattern: "", text: "x", want: false },
  { pattern: "*._udp", text: "_a._tcp._udp", want: true },
  { pattern: "a*b*c", text: "a-b-b-c-c", want: true },
  { pattern: "a*b*c", text: "a-c-b", want: false },
  { pattern: "L?b *", text: "Lüb 5", want: true },
  { pattern: "[a].*", text: "[a].x", want: true },
  { pattern: "a.c", text: "abc", want: false },
])("$pattern fits $text: $want", ({ pattern, text, want }) => {
  expect(fits(pattern, text)).toBe(want);
});

test("[DP-68] no folding beyond ASCII", () => {
  expect(fits("büro", "BÜRO")).toBe(false);
  expect(fits("k", "\u212a")).toBe(false);
  // One character, whether JavaScript takes it for one or for two.
  expect(fits("?🖨?", "é🖨☕")).toBe(true);
  expect(fits("?", "🖨")).toBe(true);
  expect(fits("??", "🖨")).toBe(false);
});

test("a hostile pattern and text cost no more than their product", () => {
  expect(fits("*a".repeat(200), `${"a".repeat(5000)}b`)).toBe(false);
});

test.each([
  { name: "_ipp._tcp.local.", want: "_ipp._tcp" },
  { name: "Dr\\. Who._IPP._TCP.Local.", want: "_ipp._tcp" },
  { name: "_color._sub._ipp._tcp.local.", want: "_ipp._tcp" },
  { name: "a.b._sip._udp.local.", want: "_sip._udp" },
  { name: "_services._dns-sd._udp.local.", want: undefined },
  { name: "x._services._dns-sd._udp.local.", want: "_dns-sd._udp" },
  { name: "prnt.local.", want: undefined },
  { name: "ipp._tcp.local.", want: undefined },
  { name: "_tcp.local.", want: undefined },
  { name: "_ipp._tcp.example.", want: undefined },
  { name: "_ipp\\._tcp.local.", want: undefined },
])("the type of $name is $want", ({ name, want }) => {
  expect(typeOf(parseName(name))).toBe(want);
});

describe("rules", () => {
  const rules = (
    allow: string[],
    deny: string[],
    last: "allow" | "deny",
    otherwise?: ServiceRules,
  ): ServiceRules => ({ allow, deny, default: last, ...(otherwise && { otherwise }) });

  test.each([
    { what: "default", rules: rules([], [], "allow"), want: true },
    { what: "default", rules: rules([], [], "deny"), want: false },
    { what: "allow before deny", rules: rules(["_ipp._tcp"], ["*"], "deny"), want: true },
    { what: "deny before default", rules: rules(["_x._tcp"], ["_ipp*"], "allow"), want: false },
    {
      what: "a link's allow before the global deny",
      rules: rules(["_ipp*"], [], "deny", rules([], ["*"], "deny")),
      want: true,
    },
    {
      what: "a link's deny before the global allow",
      rules: rules([], ["_ipp*"], "allow", rules(["*"], [], "allow")),
      want: false,
    },
    {
      what: "the global default where the link says nothing",
      rules: rules([], ["_x*"], "allow", rules([], [], "deny")),
      want: false,
    },
  ])("$what: $want", ({ rules: given, want }) => {
    expect(isShown(given, "_ipp._tcp")).toBe(want);
    expect(isHidden(given, parseName("i._ipp._tcp.local."))).toBe(!want);
    expect(isHidden(given, parseName("prnt.local."))).toBe(false);
  });
});
