// What this host is called, in the forms in which others name it.

import { expect, test } from "vitest";
import { hostFields } from "../../src/os/host.js";

test("a name beyond ASCII is known as a browser sends it, too", () => {
  // RFC 3492: `bücher`, whose Punycode every table of examples has.
  expect([
    ...hostFields(["Bücher.Example.", "PX.example.com", "büro printer.example", "."]),
  ]).toEqual(["bücher.example", "xn--bcher-kva.example", "px.example.com", "büro printer.example"]);
  expect(hostFields(["*.bücher.example"])).toContain("*.xn--bcher-kva.example");
});
