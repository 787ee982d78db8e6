// Shapes of JSON as data: what a value looks like, and what each part is for.
// The types of the program, the manual (docs/api.md) and the tests all come from
// the same description, so that none of them can say something else.

interface Described {
  /** What it is, in a few words; of an element of a list, a word for it. */
  readonly doc: string;
}

export interface TextShape extends Described {
  readonly kind: "text";
}

export interface NumberShape extends Described {
  readonly kind: "number";
}

export interface FlagShape extends Described {
  readonly kind: "flag";
}

/** One of a few words. */
export interface WordShape<W extends string = string> extends Described {
  readonly kind: "word";
  readonly words: readonly W[];
}

export interface ListShape<S = unknown> extends Described {
  readonly kind: "list";
  readonly of: S;
}

/** The value, or null where there is none. */
export interface NullableShape<S = unknown> extends Described {
  readonly kind: "nullable";
  readonly of: S;
}

/** The value, or the key is not there. */
export interface OptionalShape<S = unknown> extends Described {
  readonly kind: "optional";
  readonly of: S;
}

export type Fields = Readonly<Record<string, Shape>>;

export interface ObjectShape<F = unknown> extends Described {
  readonly kind: "object";
  readonly fields: F;
}

/** An object described elsewhere: its keys are those of discd.lua. */
export interface OpenShape extends Described {
  readonly kind: "open";
}

export type Shape =
  | TextShape
  | NumberShape
  | FlagShape
  | WordShape
  | ListShape
  | NullableShape
  | OptionalShape
  | ObjectShape
  | OpenShape;

/** The type of the values that have a shape. */
export type Of<S> = S extends { readonly kind: "text" }
  ? string
  : S extends { readonly kind: "number" }
    ? number
    : S extends { readonly kind: "flag" }
      ? boolean
      : S extends WordShape<infer W>
        ? W
        : S extends ListShape<infer T>
          ? readonly Of<T>[]
          : S extends NullableShape<infer T>
            ? Of<T> | null
            : S extends OptionalShape<infer T>
              ? Of<T>
              : S extends ObjectShape<infer F>
                ? OfFields<F>
                : object;

type OptionalKeys<F> = {
  [K in keyof F]: F[K] extends { readonly kind: "optional" } ? K : never;
}[keyof F];

type OfFields<F> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Of<F[K]>;
} & { readonly [K in OptionalKeys<F>]?: Of<F[K]> };

export const text = (doc: string): TextShape => ({ kind: "text", doc });
export const number = (doc: string): NumberShape => ({ kind: "number", doc });
export const flag = (doc: string): FlagShape => ({ kind: "flag", doc });
export const open = (doc: string): OpenShape => ({ kind: "open", doc });

export const word = <const W extends string>(words: readonly W[], doc: string): WordShape<W> => ({
  kind: "word",
  words,
  doc,
});

export const list = <const S extends Shape>(of: S, doc: string): ListShape<S> => ({
  kind: "list",
  of,
  doc,
});

/** null where there is none. */
export const nullable = <const S extends Shape>(of: S): NullableShape<S> => ({
  kind: "nullable",
  of,
  doc: of.doc,
});

/** A key that may be missing. */
export const optional = <const S extends Shape>(of: S): OptionalShape<S> => ({
  kind: "optional",
  of,
  doc: of.doc,
});

export const object = <const F extends Fields>(fields: F, doc = ""): ObjectShape<F> => ({
  kind: "object",
  fields,
  doc,
});

/** Which values have a shape. */
export interface Strictness {
  /** Keys that the shape does not know are passed over: whoever wrote it may be newer. */
  readonly takesMore: boolean;
}

/** What is wrong with a value, as `path: reason`; undefined when it has the shape. */
export function mismatch(
  shape: Shape,
  value: unknown,
  path = "$",
  how: Strictness = { takesMore: false },
): string | undefined {
  switch (shape.kind) {
    case "text":
      return typeof value === "string" ? undefined : `${path}: not text`;
    case "number":
      return Number.isFinite(value) ? undefined : `${path}: not a finite number`;
    case "flag":
      return typeof value === "boolean" ? undefined : `${path}: neither true nor false`;
    case "word":
      return (shape.words as readonly unknown[]).includes(value)
        ? undefined
        : `${path}: ${JSON.stringify(value)} is none of ${shape.words.join(", ")}`;
    case "nullable":
      return value === null ? undefined : mismatch(shape.of as Shape, value, path, how);
    case "optional":
      return mismatch(shape.of as Shape, value, path, how);
    case "list":
      return mismatchInList(shape.of as Shape, value, path, how);
    case "object":
      return mismatchInFields(shape.fields as Fields, value, path, how);
    case "open":
      return isTable(value) ? undefined : `${path}: not an object`;
  }
}

function mismatchInList(
  of: Shape,
  value: unknown,
  path: string,
  how: Strictness,
): string | undefined {
  if (!Array.isArray(value)) return `${path}: not a list`;
  for (const [at, one] of value.entries()) {
    const found = mismatch(of, one, `${path}[${at}]`, how);
    if (found !== undefined) return found;
  }
  return undefined;
}

function mismatchInFields(
  fields: Fields,
  value: unknown,
  path: string,
  how: Strictness,
): string | undefined {
  if (!isTable(value)) return `${path}: not an object`;
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
  if (unknown !== undefined && !how.takesMore) return `${path}.${unknown}: not in the schema`;
  for (const [key, shape] of Object.entries(fields)) {
    const one = value[key];
    if (one === undefined && shape.kind === "optional") continue;
    const found = mismatch(shape, one, `${path}.${key}`, how);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
