// docs/discli.md line by line: every command in it is run, at a discd that serves
// what the page says, and ends with the status that stands beside it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { listings } from "../../src/discli/listings.js";
import { packetFilters } from "../../src/discli/packet-filters.js";
import { commands } from "../../src/discli/table.js";
import { Child } from "./children.js";
import { top } from "./daemon.js";
import { demoStage, discli } from "./discli-stage.js";
import { needs } from "./needs.js";

const it = needs("bash");
const stage = demoStage("warm = true\nzones = { 'static.example.com' }");
const page = readFileSync(join(top, "docs", "discli.md"), "utf8");

/** Lines of blocks for sh, without what stands for something of the reader's. */
const lines = [...page.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = ""]) => block.trimEnd().split("\n"))
  .filter((line) => !line.includes("…"));

/** What comes of those lines here that may end in several ways, by how they begin. */
const here: readonly (readonly [string, number])[] = [
  ["discli show subscriptions", 1],
  // The link is warm.
  ["discli show questions", 0],
  ["discli show updates", 1],
  ["discli health", 0],
  ["discli reload", 0],
  // Devices of the demo are behind no route, and its zone has no Push.
  ["discli doctor --zone", 2],
  ["discli doctor --as apple", 2],
  // The resolver is on this host, and sends the names nowhere that can be read.
  ["discli leakcheck", 3],
  ["discli airprint-check", 2],
  // There is no zone above, and no link in mode update.
  ["discli -c /etc/discd.lua delegation verify", 3],
  ["discli -c /etc/discd.lua tsig-policy", 2],
  ["discli -c /etc/discd.lua update audit", 2],
];

/** What may come of a line, as the page says; nothing said: 0. */
function statusesOf(line: string): number[] {
  const said = /# .*?status ((?:\d(?:, | or )?)+)/.exec(line)?.[1];
  return said === undefined ? [0] : [...said.matchAll(/\d/g)].map(([digit]) => Number(digit));
}

/** These go on until Ctrl-C. */
const isEndless = (line: string) => /Ctrl-C/.test(line);

describe("docs/discli.md", () => {
  for (const line of lines) {
    it(line, async () => {
      stage.resolv("nameserver 127.0.0.1\nsearch demo.home.arpa\n");
      // This host has no other interface.
      const command = line.replace("/etc/discd.lua", stage.file).replace("--if wg0", "--if lo");
      const path = `${join(top, "bin")}:${process.env.PATH}`;
      const limit = isEndless(line) ? "timeout -s INT 4 " : "";
      const script = command.replace(/^discli/, `${limit}${discli}`);
      const child = new Child([...stage.enter, "bash", "-c", script], { env: { PATH: path } });
      await child.ended;
      const err = child.stderrLines.join("\n");
      const said = statusesOf(line);
      const [, several] = here.find(([start]) => line.startsWith(start)) ?? [];
      // timeout(1) says 124 of whatever it has ended.
      const wanted = isEndless(line) ? 124 : said.length === 1 ? said[0] : several;
      expect(child.exit?.code, `${child.stdoutLines.join("\n")}\n${err}`).toBe(wanted);
      if (several !== undefined) expect(said).toContain(several);
      expect(err).not.toContain("--help");
    });
  }

  it("every command is on the page, and every filter of show", () => {
    for (const { name, isHidden } of commands) {
      if (isHidden !== true) expect(page, name).toMatch(new RegExp(`\\b${name}\\b`));
    }
    const rows = new Map(
      [...page.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, what, keys]) => [what, keys]),
    );
    const known = Object.entries(listings).map(([what, { filters }]) => [
      what,
      Object.keys(filters),
    ]);
    for (const [what, keys] of [...known, ["packets", Object.keys(packetFilters)]] as [
      string,
      string[],
    ][]) {
      const told = [...(rows.get(what) ?? "").matchAll(/`(\w+)`/g)].map(([, key]) => key);
      expect([what, [...told].sort()]).toEqual([what, keys.filter((key) => key !== "link").sort()]);
    }
  });
});
