// What holds for one link in mode 'update': what its entry's own table says, else
// the global one, else the default.

import { join } from "node:path";
import { beside } from "./paths.js";
import type { Report } from "./report.js";
import type { Written, WrittenInterface } from "./schema.js";
import type { WrittenUpdate } from "./update-keys.js";

/** What the keys are when neither table says it. */
export const updateDefaults = {
  allow_unauthenticated: false,
  max_ttl: 120,
  withdraw_on_exit: false,
  timeout_type: 65_280,
  trust_clock: false,
} as const;

type Defaulted = { readonly [K in keyof typeof updateDefaults]: NonNullable<WrittenUpdate[K]> };

export type UpdateValues = Omit<WrittenUpdate, keyof Defaulted> & Defaulted;

/** The values of a link; of the global table where there is no entry. */
export function updateValuesOf(written: Written, entry?: WrittenInterface): UpdateValues {
  const tables = [updateDefaults, written.update, entry?.update];
  const said = tables.flatMap((one) =>
    Object.entries(one ?? {}).filter(([, value]) => value !== undefined),
  );
  return Object.fromEntries(said) as unknown as UpdateValues;
}

/** The path of the table that says a key of `update` for an entry. */
export function updatePathOf(entry: WrittenInterface, path: string, key: keyof WrittenUpdate) {
  return entry.update?.[key] === undefined ? `update.${key}` : `${path}.update.${key}`;
}

/** Whether a key of `update` that an entry lacks may have been written, and was wrong. */
export const isDoubtful = (report: Report, path: string, key: keyof WrittenUpdate): boolean =>
  report.hasFailedAt(`update.${key}`) || report.hasFailedAt(`${path}.update.${key}`);

/** The folder that remembers what was published. */
export function updateStateOf({ state, update }: Written, file: string | undefined): string {
  return update?.state === undefined
    ? join(beside(file, state), "update")
    : beside(file, update.state);
}
