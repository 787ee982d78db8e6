// Runs discd.lua texts for the tables of this folder, inside the test's own
// process: only what a thread is for needs one (sandbox.test.ts).

import { parsePrefix } from "../../src/address.js";
import { problemText } from "../../src/config/check-text.js";
import { type Judged, judge, type PresentInterface, type Source } from "../../src/config/load.js";
import { runLua } from "../../src/config/lua-run.js";
import { askedAbout } from "../../src/config/match.js";

export const eth = (name: string, index: number, ...addresses: string[]): PresentInterface => ({
  name,
  index,
  addresses: addresses.map(
    (text) => parsePrefix(text) as NonNullable<ReturnType<typeof parsePrefix>>,
  ),
  mtu: 1500,
  isUp: true,
});

/** A host with two links and a loopback. */
export const host = {
  fqdn: "px.campus.example",
  interfaces: [
    eth("lo", 1, "127.0.0.1/8", "::1/128"),
    eth("eth0.10", 2, "10.1.0.7/24", "fe80::7/64", "2001:db8:1::7/64"),
    eth("eth0.20", 3, "10.2.0.7/23"),
  ],
};

const usual: Source = { file: "discd.lua", demo: false };

export function load(
  text: string,
  on = host,
  environment: Record<string, string> = {},
  source = usual,
): Judged {
  const job = {
    file: "discd.lua",
    bytes: new TextEncoder().encode(text),
    included: new Map(),
    environment,
    interfaces: askedAbout(on.interfaces),
  };
  const outcome = runLua(job, { at() {}, fileAdded() {} });
  // What a thread hands over is a copy: anything that is not plain data would be lost or fail.
  return judge(source, on, structuredClone(outcome));
}

/** Problems and warnings of a file, as `discd --check` prints them. */
export function linesOf(loaded: Judged): readonly string[] {
  return ("problems" in loaded ? loaded.problems : loaded.warnings).map(problemText);
}

/** The settings of a file that has to be sound. */
export function settingsOf(text: string, on = host) {
  const loaded = load(text, on);
  if ("problems" in loaded) throw new Error(linesOf(loaded).join("\n"));
  return loaded;
}

/** `interfaces` with one entry, and what else a file needs to be without warnings. */
export const entry = (keys: string) =>
  `interfaces = { { name = 'eth0.10', subdomain = 'floor1.example', ${keys} } }`;
