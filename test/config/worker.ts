// The thread's program, bundled from today's source: tests run from source, and
// must not run against what somebody built earlier.

import { mkdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("../../node_modules/.cache/discd/", import.meta.url));

/** Bundles the program once per test file. */
export async function bundleWorker(): Promise<URL> {
  mkdirSync(folder, { recursive: true });
  const outfile = `${folder}lua-worker-${process.pid}.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL("../../src/config/lua-worker.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  return pathToFileURL(outfile);
}
