// What discd.lua leaves behind, as plain data that crosses from the worker to
// the daemon: every value with the place where it was written. Functions stay
// behind; what they returned for each interface comes along.

import type { Spot } from "./spots.js";

export interface Table {
  readonly kind: "table";
  /** Integer keys first, in their order; the others as they were written. */
  readonly entries: readonly Entry[];
  readonly spot: Spot;
}

export interface Entry {
  /** Undefined for a key that is neither text nor an integer. */
  readonly key: string | number | undefined;
  readonly value: Value;
  readonly spot: Spot;
}

/** What a function gave for one interface of the host. */
export interface Result {
  readonly interface: string;
  /** Undefined: nil, or it failed. */
  readonly value: Value | undefined;
  readonly failure?: Failure;
  /** It was told no prefix: the interface has link-local addresses alone, maybe for a moment. */
  readonly hasNoPrefix?: boolean;
}

export interface Failure {
  readonly text: string;
  readonly spot: Spot;
}

export type Value =
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly value: number }
  /** `text` holds one character per byte where the bytes are not UTF-8. */
  | { readonly kind: "string"; readonly text: string; readonly isUtf8: boolean }
  | { readonly kind: "function"; readonly results: readonly Result[] }
  | Table
  /** Something that is no configuration; `what` says what it is. */
  | { readonly kind: "odd"; readonly what: string };

/** A file that `include` was asked for: its text, or why it has none. */
export type Included =
  | { readonly bytes: Uint8Array; readonly realPath: string }
  | { readonly refusal: string };

/** How a run of discd.lua ended. */
export type Outcome =
  | {
      readonly kind: "done";
      readonly globals: Table;
      readonly printed: readonly Failure[];
      readonly files: readonly string[];
      /** Every file that was asked for, by path. */
      readonly included: ReadonlyMap<string, Included>;
    }
  | { readonly kind: "failed"; readonly failure: Failure; readonly files: readonly string[] };

/** An interface as functions in discd.lua see it. */
export interface InterfaceFacts {
  readonly name: string;
  readonly vlan?: number;
  readonly prefixes: readonly string[];
}

/** The texts that a configuration is made of. */
export interface Script {
  /** The main file, as the operator wrote it; printed in front of every problem. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Files that are not to be read again, by path. */
  readonly included: ReadonlyMap<string, Included>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** One run of discd.lua. */
export interface LuaJob extends Script {
  readonly interfaces: readonly InterfaceFacts[];
}
