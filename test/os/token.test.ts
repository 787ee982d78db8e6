// The token is compared whole.

import { expect, test } from "vitest";
import { tokenCheck } from "../../src/os/token.js";

test("the token and nothing else is the token", () => {
  const isToken = tokenCheck("Büro s3cret");
  expect(isToken("Büro s3cret")).toBe(true);
  for (const other of ["", "Büro s3cre", "Büro s3cret ", "büro s3cret", "x".repeat(10_000)]) {
    expect(isToken(other)).toBe(false);
  }
});

test("where none is set nothing is the token", () => {
  for (const text of ["", "undefined"]) expect(tokenCheck(undefined)(text)).toBe(false);
});
