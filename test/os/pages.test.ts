// The pages as they are read: which files, under which paths.

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPages } from "../../src/os/pages.js";

test("files of known types are served under their names, and nothing else is", () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-web-"));
  writeFileSync(join(folder, "index.html"), "<p>");
  writeFileSync(join(folder, "page.js"), "1");
  writeFileSync(join(folder, "page.js.map"), "{}");
  writeFileSync(join(folder, "notes"), "x");
  mkdirSync(join(folder, "more.css"));
  symlinkSync("/etc/hostname", join(folder, "host.txt"));
  const pages = readPages(folder);
  expect([...pages.keys()].sort()).toEqual(["/", "/page.js"]);
  expect(pages.get("/")?.type).toBe("text/html; charset=utf-8");
  expect(pages.get("/page.js")?.type).toBe("text/javascript; charset=utf-8");
  const before = pages.get("/page.js")?.tag;
  writeFileSync(join(folder, "page.js"), "2");
  expect(readPages(folder).get("/page.js")?.tag).not.toBe(before);
});

test("without the folder there are no pages", () => {
  expect(readPages("/nowhere/at/all").size).toBe(0);
});

test("what would fill the memory is no page of ours", () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-web-"));
  writeFileSync(join(folder, "large.js"), Buffer.alloc(9 * 1024 * 1024));
  expect(() => readPages(folder)).toThrow(/holds more than/);
});
