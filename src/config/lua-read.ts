// Reads Lua values into plain data, with the line of every key. Tables may be
// shared, nested or contain themselves, so that depth and number of values are
// bounded; what is no configuration becomes an "odd" value that says what it is.

import type { LuaTable, TableEntry, TaggedValue } from "./fengari.js";
import type { Entry, Result, Table, Value } from "./lua-value.js";
import { fileOf, firstSpot, lineOf, type Spot, spotAt } from "./spots.js";

const depthMax = 12;
/** Values in all: 100 for each of 2,000 interfaces. */
const valuesMax = 200_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values of one run. */
export class Reader {
  /** Lines of a file, to find the line of a text that Lua's numbers only surround. */
  readonly #sourceLines: (file: number) => readonly string[];
  /** What functions gave, by the function's value in Lua. */
  readonly #results: ReadonlyMap<unknown, readonly Result[]>;
  /** Tables being read, the outermost first. */
  readonly #open: LuaTable[] = [];
  #count = 0;

  constructor(
    sourceLines: (file: number) => readonly string[],
    results: ReadonlyMap<unknown, readonly Result[]>,
  ) {
    this.#sourceLines = sourceLines;
    this.#results = results;
  }

  readTable(table: LuaTable): Table {
    this.#open.push(table);
    const listed: Entry[] = [];
    const named: Entry[] = [];
    for (let at = table.f; at !== undefined; at = at.n) {
      if (this.#count >= valuesMax) break;
      const entry = this.#readEntry(table, at);
      if (typeof entry.key === "number") listed.push(entry);
      else named.push(entry);
    }
    this.#open.pop();
    listed.sort((a, b) => (a.key as number) - (b.key as number));
    return { kind: "table", entries: [...listed, ...named], spot: asSpot(table.spot) };
  }

  read(value: TaggedValue): Value {
    this.#count++;
    if (value.ttisboolean()) return { kind: "boolean", value: value.value as boolean };
    if (value.ttisnumber()) return { kind: "number", value: value.value as number };
    if (value.ttisstring()) return readText(value.svalue());
    if (value.ttisfunction()) {
      return { kind: "function", results: this.#results.get(value.value) ?? [] };
    }
    if (!value.ttistable()) return { kind: "odd", what: "a coroutine" };
    const table = value.value as LuaTable;
    if (this.#open.includes(table)) return { kind: "odd", what: "a table that contains itself" };
    if (this.#open.length >= depthMax) return { kind: "odd", what: "a table nested too deeply" };
    if (this.#count >= valuesMax) return { kind: "odd", what: `more than ${valuesMax} values` };
    // Keys found through a metatable would be lost without a word.
    if (table.metatable !== null) return { kind: "odd", what: "a table with a metatable" };
    return this.readTable(table);
  }

  #readEntry(table: LuaTable, entry: TableEntry): Entry {
    const value = this.read(entry.value);
    const spot = asSpot(entry.spot);
    const key = readKey(entry.key);
    if (entry.item === "constant" && value.kind === "string") {
      return { key, value, spot: this.#spotOfText(spot, asSpot(table.spot), value.text) };
    }
    if (entry.item === "table" && value.kind === "table") {
      const begin = this.#spotOfBrace(spot);
      return { key, value: { ...value, spot: begin }, spot: begin };
    }
    return { key, value, spot };
  }

  /**
   * The line of a text inside a list. Lua gives the last constant of a list the
   * line of the closing brace; the text itself stands some lines above.
   */
  #spotOfText(spot: Spot, start: Spot, text: string): Spot {
    if (fileOf(spot) !== fileOf(start) || lineOf(spot) <= lineOf(start)) return spot;
    const lines = this.#sourceLines(fileOf(spot));
    for (let line = lineOf(spot); line >= lineOf(start); line--) {
      if (lines[line - 1]?.includes(text)) return spotAt(fileOf(spot), line);
    }
    return spot;
  }

  /**
   * The line of the brace that opens a table inside a list. Lua gives it the line
   * of the token before, which usually ends the line above.
   */
  #spotOfBrace(spot: Spot): Spot {
    const lines = this.#sourceLines(fileOf(spot));
    let line = lineOf(spot);
    const before = (lines[line - 1] ?? "").replace(/--.*$/, "").trim();
    if (/[{,;]\s*\{$/.test(before) || !/[{,;]$/.test(before)) return spot;
    while (line < lines.length && /^\s*(--.*)?$/.test(lines[line] ?? "")) line++;
    return (lines[line] ?? "").trim().startsWith("{") ? spotAt(fileOf(spot), line + 1) : spot;
  }
}

/** Bytes of Lua as text. */
export function readText(bytes: Uint8Array): Value {
  try {
    return { kind: "string", text: utf8.decode(bytes), isUtf8: true };
  } catch {
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return { kind: "string", text, isUtf8: false };
  }
}

function readKey(key: TaggedValue): string | number | undefined {
  if (key.ttisstring()) {
    const read = readText(key.svalue());
    return read.kind === "string" ? read.text : undefined;
  }
  return key.ttisnumber() && Number.isInteger(key.value) ? (key.value as number) : undefined;
}

const asSpot = (spot: number | undefined): Spot => (spot ?? firstSpot) as Spot;
