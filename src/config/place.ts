// From a path such as `interfaces[3].reverse[2]` back to the line of discd.lua
// that it stands on, or else to the line of the nearest table around it.

import type { Table } from "./lua-value.js";
import type { Spot } from "./spots.js";

/** The place of a path; as far as it leads into the table. */
export function spotOf(root: Table, path: string): Spot {
  let spot = root.spot;
  let table: Table | undefined = root;
  for (const step of path.matchAll(/\[(\d+)\]|\['([^']*)'\]|([^.[\]]+)/g)) {
    const key: string | number =
      step[1] === undefined ? (step[2] ?? step[3] ?? "") : Number(step[1]);
    const entry: Table["entries"][number] | undefined = table?.entries.find(
      (one) => one.key === key,
    );
    if (entry === undefined) return spot;
    spot = entry.spot;
    table = entry.value.kind === "table" ? entry.value : undefined;
  }
  return spot;
}
