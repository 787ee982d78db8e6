// The thread's program, bundled from today's source: tests run from source, and
// must not run against what somebody built earlier.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("../../node_modules/.cache/discd/", import.meta.url));

/** Bundles the program; several test files may do so at once. */
export async function bundleWorker(): Promise<URL> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../src/config/lua-worker.ts", import.meta.url))],
    outdir: folder,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    logLevel: "error",
    write: false,
  });
  mkdirSync(folder, { recursive: true });
  const beside = `${folder}.lua-worker.${process.pid}`;
  writeFileSync(beside, (outputFiles[0] as { contents: Uint8Array }).contents);
  renameSync(beside, `${folder}lua-worker.mjs`);
  return pathToFileURL(`${folder}lua-worker.mjs`);
}
