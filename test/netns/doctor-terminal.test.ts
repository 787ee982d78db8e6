// The doctor as somebody sits before it, and before servers that mean harm: what
// it waits for is told, what they say does nothing, and it comes to an end.

import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { Child } from "./children.js";
import { top } from "./daemon.js";
import { demoStage, discli } from "./discli-stage.js";
import { needs } from "./needs.js";

const it = needs("script");
const stage = demoStage("");
const zone = "demo.home.arpa";
let hostile: Child;

beforeAll(async () => {
  if (stage.daemon === undefined) return;
  const script = join(top, "test", "netns", "hostile-server.mjs");
  hostile = new Child([...stage.enter, process.execPath, script]);
  await hostile.says(/^ready$/);
});
afterAll(() => hostile?.stop());

/** What a terminal would obey, apart from ends of lines. */
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

it("A8 in a terminal: the stage that takes long is told and taken back", async () => {
  const terminal = stage.terminal(`${discli} doctor --zone ${zone} --server 127.0.0.1:5401`);
  await terminal.end();
  expect(terminal.text).toMatch(/does the name resolve when discd is asked directly\?: 1 s/);
  const shown = terminal.text.replace(/\r\u001b\[K[^\r\n]*(?=\r\u001b\[K)/g, "");
  const plain = shown.replaceAll("\r\u001b[K", "").replaceAll("\r\n", "\n");
  expect(plain).toMatch(
    /^direct +FAIL {2}SERVER-DOWN: nothing listens at 127\.0\.0\.1 port 5401$/m,
  );
  expect(plain).not.toMatch(obeyed);
});

/** Those of hostile-server.mjs that talk DNS, each in its own way. */
const ports = Array.from({ length: 8 }, (_, at) => 5401 + at);

it("bad servers: harmless, bounded, and a verdict with a remedy", async () => {
  for (const port of ports) {
    const start = Date.now();
    const words = ["doctor", "--all", "--zone", zone, "--server", `127.0.0.1:${port}`];
    const { status, out, err } = await stage.run(words);
    expect([port, [1, 2].includes(status ?? 0), err]).toEqual([port, true, []]);
    expect(out.join("\n"), String(port)).not.toMatch(obeyed);
    expect(Date.now() - start).toBeLessThan(40_000);
    const failed = out.findIndex((line) => /^\S+ +FAIL /.test(line));
    if (failed >= 0) expect(out.slice(failed).some((line) => line.startsWith("  → "))).toBe(true);
  }
});
