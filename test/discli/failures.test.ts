// Which faults are told in one line, and which are the program's own.

import { expect, test } from "vitest";
import { UsageError } from "../../src/discli/command.js";
import { toldOf } from "../../src/discli/failures.js";

test("a package that is not there, since npm has not installed it: what to run", () => {
  const message = "Cannot find package 'ipaddr.js' imported from /opt/discd/dist/x.js\nmore";
  const error = Object.assign(new Error(message), { code: "ERR_MODULE_NOT_FOUND" });
  const text =
    "Cannot find package 'ipaddr.js' imported from /opt/discd/dist/x.js; " +
    "run `npm ci && npm run build` first";
  expect(toldOf(error)).toEqual({ text, status: 2 });
});

test("a line that makes no sense: where the right one is explained", () => {
  const error = new UsageError("a: b");
  expect(toldOf(error)).toEqual({ text: "a: b (discli --help)", status: 2 });
  expect(toldOf(error, "show")).toEqual({ text: "a: b (discli show --help)", status: 2 });
});

test("a fault of our own is none of them", () => {
  expect(toldOf(new TypeError("x is not a function"))).toBeUndefined();
});
