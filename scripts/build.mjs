// Bundles the programs into dist/: `node scripts/build.mjs`. The libraries of
// package.json stay outside, in node_modules; koffi could not be bundled anyway.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const top = fileURLToPath(new URL("..", import.meta.url));
const dist = join(top, "dist");
const programs = {
  discd: "src/discd/main.ts",
  nst: "src/nst/main.ts",
  "lua-worker": "src/config/lua-worker.ts",
};
const present = Object.entries(programs).filter(([, source]) => existsSync(join(top, source)));

const forNode = {
  absWorkingDir: top,
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  packages: "external",
  sourcemap: "linked",
  logLevel: "warning",
  // Seconds since 1970: a clock that is before it is wrong (src/os/clock.ts).
  define: { discdBuilt: process.env.SOURCE_DATE_EPOCH ?? `${Math.floor(Date.now() / 1000)}` },
  write: false,
};
const { outputFiles } = await build({ ...forNode, entryPoints: Object.fromEntries(present) });

// discli in parts: a command reads what it needs, and its first packet leaves sooner. A program
// that runs for months stays in one piece, or it would look for parts that an update took away.
const discli = await build({
  ...forNode,
  entryPoints: { discli: "src/discli/main.ts" },
  splitting: true,
  chunkNames: "discli-[name]-[hash]",
});

// discweb: what a browser loads from discd itself, nothing of it inline.
const web = await build({
  absWorkingDir: top,
  entryPoints: {
    index: "web/index.html",
    icon: "web/icon.svg",
    style: "web/page.css",
    page: "web/main.ts",
  },
  outdir: "dist/web",
  loader: { ".html": "copy", ".svg": "copy" },
  bundle: true,
  minify: true,
  target: "es2022",
  format: "esm",
  logLevel: "warning",
  write: false,
});

// Each file appears whole, so that a program started meanwhile is the old or the new one.
mkdirSync(join(dist, "web"), { recursive: true });
const made = new Set(["web"]);
for (const { path, contents } of [...outputFiles, ...discli.outputFiles, ...web.outputFiles]) {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(beside, contents);
  renameSync(beside, path);
  made.add(basename(path));
}
// What an older build left behind must not be started by mistake.
for (const name of readdirSync(dist)) {
  if (!made.has(name) && !name.startsWith(".")) rmSync(join(dist, name), { recursive: true });
}
