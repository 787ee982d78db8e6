// A leak check as text for people, and as JSON for scripts.

import { formatAddress } from "../../address.js";
import { asJson } from "../render.js";
import { plainWord } from "../shell-words.js";
import type { Proof } from "./proof.js";
import { type LeakEvidence, type LeakVerdict, type Sighting, sightingText } from "./verdict.js";

/** Packets of one leak that are printed; the file has them all. */
const printedMax = 20;

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? "" : "s"}`;

const listed = (texts: Iterable<string>): string => [...new Set(texts)].join(", ");

function targets(path: readonly Sighting[]): string {
  const sent = path.filter(({ isOutgoing }) => isOutgoing);
  const found = listed(
    sent.flatMap(({ packet }) => (packet ? [formatAddress(packet.target)] : [])),
  );
  return found === "" ? "" : `, to ${found}`;
}

/** Begins with `leakcheck PASS`, `FAIL` or `SKIP`. */
export function renderLeaks(
  evidence: LeakEvidence,
  verdict: LeakVerdict,
  outside: string | undefined,
  proof: Proof | undefined,
): string {
  const { zone, intended, asked } = evidence;
  const { state, leaks, path, decision, remedy } = verdict;
  const own = asked.filter(({ side }) => side === "zone").length;
  const others = outside === undefined ? "" : ` and ${asked.length - own} below ${outside}`;
  const rows: (readonly [string, string])[] = [
    ["asked", `${count(own, "name")} below ${zone}${others}, as programs on this host ask`],
    ["meant", `${intended}: ${count(path.length, "packet")}${targets(path)}`],
  ];
  for (const { interface: name, fault, packets } of leaks) {
    rows.push(["leak", `${name}: ${count(packets.length, "packet")}: ${fault}`]);
    for (const one of packets.slice(0, printedMax)) rows.push(["", `  ${sightingText(one)}`]);
    const more = packets.length - printedMax;
    if (more > 0) rows.push(["", `  and ${more} more`]);
  }
  if (remedy !== undefined) rows.push(["remedy", remedy]);
  if (proof !== undefined) {
    const how = `tcpdump -nr ${plainWord(proof.path)}`;
    rows.push(["proof", `${proof.path}: ${count(proof.packets, "packet")} (${how})`]);
  }
  const lines = rows.map(([head, text]) => `  ${head.padEnd(8)}${text}\n`);
  return `leakcheck ${state} ${decision}\n${lines.join("")}`;
}

export function leaksAsJson(
  evidence: LeakEvidence,
  verdict: LeakVerdict,
  proof: Proof | undefined,
): string {
  const { zone, intended, policy, servers, asked, lost } = evidence;
  const { state, leaks, path, decision, remedy } = verdict;
  return asJson({
    check: "leakcheck",
    state,
    zone,
    interface: intended,
    policy: { leak: policy, servers: servers.map(formatAddress) },
    asked: asked.map(({ name }) => name.labels.join(".")),
    path: path.map(sightingText),
    leaks: leaks.map(({ interface: name, fault, packets }) => ({
      interface: name,
      fault,
      packets: packets.map(sightingText),
    })),
    lost,
    decision,
    ...(remedy === undefined ? {} : { remedy }),
    ...(proof === undefined ? {} : { proof: proof.path }),
  });
}
