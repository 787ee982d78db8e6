// Bundles one TypeScript program and runs it: `node scripts/run.mjs FILE.ts [ARGUMENTS]`.
// Node 20 does not run TypeScript, and this one file is what has to work before anything is built.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [source, ...rest] = process.argv.slice(2);
if (source === undefined) {
  process.stderr.write("usage: node scripts/run.mjs FILE.ts [ARGUMENTS]\n");
  process.exit(2);
}
const top = fileURLToPath(new URL("..", import.meta.url));
const folder = join(top, "node_modules", ".cache", "discd");
mkdirSync(folder, { recursive: true });
// Of this run alone: another program, or another run, must not be overwritten while it starts.
const name = source.replace(/\.ts$/, "").replaceAll(/[^\w]+/g, "-");
const outfile = join(folder, `${name}.${process.pid}.mjs`);
await build({
  entryPoints: [join(top, source)],
  outfile,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
});
const child = spawn(process.execPath, ["--enable-source-maps", outfile, ...rest], {
  stdio: "inherit",
  cwd: top,
});
// The program decides when to end; a terminal sends its Ctrl-C to both.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => {
  rmSync(outfile, { force: true });
  process.exit(code ?? (signal === null ? 1 : 128));
});
