// discli with words that make no sense, in a namespace with nothing but loopback:
// one line that says so and status 2, never a stack.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import { top } from "./daemon.js";
import { needs } from "./needs.js";

const it = needs();
const discli = join(top, "bin", "discli");

const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    "a server whose name nobody knows",
    ["--server", "px.invalid", "query", "floor1.example.com"],
    /^discli: px\.invalid port 53: .+\n$/,
  ],
  ["no type at all", ["browse", "", "floor1.example.com"], /^discli: "" is no service type;.+\n$/],
  [
    "half a type",
    ["browse", "_ipp", "floor1.example.com"],
    /^discli: "_ipp" is no service type; one looks like _ipp\._tcp/,
  ],
  [
    "an empty label in front of a type",
    ["browse", "a.._sub._ipp._tcp", "floor1.example.com"],
    /^discli: "a\.\._sub\._ipp\._tcp": .+\n$/,
  ],
];

for (const [title, words, want] of cases) {
  it(`${title} is one line and status 2`, () => {
    const alone = ["-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];
    const { status, stderr } = spawnSync("unshare", [...alone, discli, ...words]);
    expect(stderr.toString()).toMatch(want);
    expect(status).toBe(2);
  });
}
