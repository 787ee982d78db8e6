// The shapes that values of discd.lua have: tables with known keys, lists, one
// thing or a list of it. A check gives the value in its final form, or reports
// every problem it finds and gives nothing; it never throws.

import type { Entry, Value } from "./lua-value.js";
import { nearestOf } from "./nearest.js";
import { inside, pathOf, type Where } from "./report.js";

/** @returns undefined after a problem was reported */
export type Check<T> = (value: Value, where: Where) => T | undefined;

/** One key of a table of discd.lua. */
export interface Key<T> {
  readonly check: Check<T>;
  /** What the key is when it is not written. */
  readonly absent: T;
  readonly isRequired: boolean;
  /** False: known, but what it is for is not built yet. */
  readonly isBuilt: boolean;
  /** What it is, in a few words. */
  readonly doc: string;
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

/** A table that has been checked: each key's value, or what stands for it when absent. */
export type Checked<K extends Keys> = {
  readonly [name in keyof K]: K[name] extends Key<infer T> ? T : never;
};

/** A key without a value of its own when it is not written. */
export function optional<T>(check: Check<T>, doc: string): Key<T | undefined> {
  return { check, absent: undefined, isRequired: false, isBuilt: true, doc };
}

/** A key with a fixed default. */
export function preset<T>(check: Check<T>, absent: T, doc: string): Key<T> {
  return { check, absent, isRequired: false, isBuilt: true, doc };
}

/** A key that has to be there: its absence is reported, and `absent` lets checking go on. */
export function required<T>(check: Check<T>, absent: T, doc: string): Key<T> {
  return { check, absent, isRequired: true, isBuilt: true, doc };
}

/** A key whose feature is not built yet. Only `false`, where that means "without it", is taken. */
export function later(doc: string, takesFalse: "false" | "nothing" = "nothing"): Key<undefined> {
  const remedy = takesFalse === "false" ? "write false or leave it out" : "leave it out";
  const check: Check<undefined> = (value, where) => {
    const isFalse = value.kind === "boolean" && !value.value;
    if (takesFalse === "nothing" || !isFalse) {
      where.report.problem(where, `not yet: ${doc}; ${remedy}`);
    }
    return undefined;
  };
  return { check, absent: undefined, isRequired: false, isBuilt: false, doc };
}

/** A key that is known, but not in this place. */
export function elsewhere(text: string): Key<undefined> {
  const check: Check<undefined> = (_, where) => {
    where.report.problem(where, text);
    return undefined;
  };
  return { check, absent: undefined, isRequired: false, isBuilt: true, doc: text };
}

/** A value as messages name it. */
export function describe(value: Value): string {
  switch (value.kind) {
    case "boolean":
    case "number":
      return String(value.value);
    case "string":
      return value.text.length > 80 ? `'${value.text.slice(0, 80)}…'` : `'${value.text}'`;
    case "function":
      return "a function";
    case "table":
      return "a table";
    case "odd":
      return value.what;
  }
}

/** Reports that a value is not what it should be. */
export function refuse(value: Value, where: Where, wanted: string): undefined {
  where.report.problem(where, `must be ${wanted}, not ${describe(value)}`);
  return undefined;
}

/** A table with the given keys and no others. */
export function table<K extends Keys>(keys: K): Check<Checked<K>> {
  const checkParts = tableWithItems(keys, undefined);
  return (value, where) => checkParts(value, where)?.keys;
}

/** A table with the given keys that is a list as well. */
export function tableWithItems<K extends Keys, T>(
  keys: K,
  item: Check<T> | undefined,
): Check<{ readonly keys: Checked<K>; readonly items: readonly T[] }> {
  return (value, where) => {
    if (value.kind !== "table") return refuse(value, where, "a table { … }");
    const found: Record<string, unknown> = {};
    const items: T[] = [];
    for (const [name, key] of Object.entries(keys)) found[name] = key.absent;
    for (const entry of value.entries) {
      const at = inside(where, entry.key, entry.spot);
      if (typeof entry.key === "number" && item !== undefined) {
        const checked = item(entry.value, at);
        if (checked === undefined) where.report.gapIn(where.path);
        else items.push(checked);
      } else if (typeof entry.key === "string" && Object.hasOwn(keys, entry.key)) {
        const checked = (keys[entry.key] as Key<unknown>).check(entry.value, at);
        if (checked !== undefined) found[entry.key] = checked;
      } else {
        reportUnknown(entry, at, keys);
      }
    }
    for (const [name, key] of Object.entries(keys)) {
      if (!key.isRequired || value.entries.some((entry) => entry.key === name)) continue;
      const at = inside(where, name, value.spot);
      where.report.problem(at, `is missing: ${key.doc}`);
    }
    return { keys: found as Checked<K>, items };
  };
}

/** A list, `{ 'a', 'b' }`. */
export function list<T>(item: Check<T>): Check<readonly T[]> {
  return (value, where) => {
    if (value.kind !== "table") return refuse(value, where, "a list { … }");
    const items: T[] = [];
    let expected = 1;
    for (const entry of value.entries) {
      const at = inside(where, entry.key, entry.spot);
      if (typeof entry.key !== "number") {
        where.report.problem(at, "is no item of a list; put braces around each item: { { … } }");
        continue;
      }
      if (entry.key !== expected) {
        const gap = { ...at, path: pathOf(where.path, expected) };
        where.report.problem(gap, "is nil; is a variable not set?");
      }
      expected = entry.key + 1;
      const checked = item(entry.value, at);
      if (checked === undefined) where.report.gapIn(where.path);
      else items.push(checked);
    }
    return items;
  };
}

/** One text, or a list of them. */
export function oneOrMore<T>(item: Check<T>): Check<readonly T[]> {
  const many = list(item);
  return (value, where) => {
    if (value.kind !== "string") return many(value, where);
    const checked = item(value, where);
    return checked === undefined ? undefined : [checked];
  };
}

/** `true` or `false`, whichever is given here, or what another check takes. */
export function orFlag<T, const B extends boolean>(flag: B, other: Check<T>): Check<T | B> {
  return (value, where) =>
    value.kind === "boolean" && value.value === flag ? flag : other(value, where);
}

/** So few keys are all named: the nearest to `dot` is none that is meant. */
const namesShown = 6;

function reportUnknown(entry: Entry, where: Where, keys: Keys): void {
  const nearest =
    typeof entry.key === "string" ? nearestOf(entry.key, Object.keys(keys)) : undefined;
  if (nearest === undefined) {
    where.report.problem(where, `is not a key here; the keys are ${Object.keys(keys).join(", ")}`);
    return;
  }
  const isTop = where.path === entry.key;
  const names = Object.keys(keys);
  const all = names.length <= namesShown ? `, of ${names.join(", ")}` : "";
  const own = isTop ? "; a variable of your own needs `local`" : "";
  where.report.problem(where, `unknown key; the nearest known one is '${nearest}'${all}${own}`);
}
