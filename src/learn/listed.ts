// Zones in the browse lists of domains are this host's, but the list does not say
// of which link. One goes to a link only where there is no choice: one such zone
// that nothing else has, and one link without a name.

import type { Log } from "../log.js";
import { displayName, type Name } from "../wire/name.js";
import type { Belief } from "./belief.js";
import type { Found } from "./search.js";
import { wantedRecord } from "./search.js";

export class ListedZones {
  readonly #log: Log;
  /** What was said last of a choice that is not ours. */
  #told = "";

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param claimed  zones that the configuration names */
  assign(beliefs: readonly Belief[], claimed: readonly Name[]): void {
    const open = beliefs.filter(({ subject }) => subject.takesListed && subject.mode === "proxy");
    // Whose search is not over yet may turn out to have a name, and leave no choice.
    if (open.some(({ hasEnded }) => !hasEnded)) return;
    const taken = new Set(claimed.map(({ key }) => key));
    for (const { learned } of beliefs) if (learned.name) taken.add(learned.name.zone.key);
    const zones = new Map<string, Found>();
    for (const found of open.flatMap(({ listed }) => listed)) {
      if (!taken.has(found.zone.key)) zones.set(found.zone.key, found);
    }
    const lacking = open.filter(({ learned }) => learned.name === undefined);
    const [zone] = zones.values();
    const [link] = lacking;
    if (zone === undefined || link === undefined) return;
    if (zones.size === 1 && lacking.length === 1) {
      this.#told = "";
      link.assign(zone);
      return;
    }
    this.#tellChoice([...zones.values()], lacking);
  }

  #tellChoice(zones: readonly Found[], lacking: readonly Belief[]): void {
    const fields = {
      zones: zones.map((one) => displayName(one.zone)).slice(0, 8),
      links: lacking.map(({ link }) => link).slice(0, 8),
    };
    const text = JSON.stringify(fields);
    if (this.#told === text) return;
    this.#told = text;
    const network = lacking.flatMap(({ subject }) => subject.networks)[0];
    const record = network === undefined ? "" : ` such as ${wantedRecord(network)}`;
    this.#log.event("warn", "zones-without-link", {
      ...fields,
      reason: "they are delegated to this host, but nothing says which link each is of",
      remedy: `add a PTR record${record} for the network of each`,
    });
  }
}
