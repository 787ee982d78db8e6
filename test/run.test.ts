// scripts/run.mjs, which starts what is written in TypeScript: the bundle of a
// run is its own, be it of a program with the same name or of the same one.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const top = fileURLToPath(new URL("..", import.meta.url));

test("runs at once have a bundle each, and leave none behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-run-"));
  const start = async (name: string) => {
    const source = join(folder, name, "main.ts");
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(source, `const said: string = "${name}"; console.log(said, process.argv[1]);`);
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(top, "scripts/run.mjs"),
      relative(top, source),
    ]);
    return stdout.trim().split(" ");
  };
  const runs = await Promise.all([start("one"), start("other"), start("one")]);
  rmSync(folder, { recursive: true });
  expect(runs.map(([said]) => said)).toEqual(["one", "other", "one"]);
  const bundles = runs.map(([, bundle]) => bundle as string);
  expect(new Set(bundles).size).toBe(3);
  expect(bundles.filter((bundle) => existsSync(bundle))).toEqual([]);
});
