// One run of discd.lua: compiles and runs it, asks its functions about each
// interface of the host, and reads what it left behind. Synchronous, and
// trusting nothing but its own bounds: lua-worker.ts adds those of time and
// memory, which only the outside of a thread can enforce.

import {
  type LuaFunction,
  type LuaState,
  type LuaTable,
  lua,
  luaText,
  type TableEntry,
  type TaggedValue,
} from "./fengari.js";
import { loadText } from "./lua-include.js";
import { currentSpot, startLines } from "./lua-lines.js";
import { Reader, readText } from "./lua-read.js";
import { openSandbox, type Sandbox, withRemedy } from "./lua-sandbox.js";
import type {
  Failure,
  Included,
  InterfaceFacts,
  LuaJob,
  Outcome,
  Result,
  Value,
} from "./lua-value.js";
import { fitsInterface } from "./match.js";
import { firstSpot, type Spot, spotAt } from "./spots.js";

/** Told while the file runs, for whoever has to stop it. */
export interface Progress {
  /** The next line is about to run. */
  at(spot: Spot): void;
  /** One more file is read; its index is the number of calls before this one. */
  fileAdded(name: string): void;
}

const decoder = new TextDecoder();
const noText = new Uint8Array();

/** Runs a file to its end, however long that takes. */
export function runLua(job: LuaJob, progress: Progress): Outcome {
  const files = [job.file];
  startLines(files);
  const included = new Map(job.included);
  const fileAdded = (name: string): void => progress.fileAdded(name);
  const sandbox = openSandbox(files, included, job.environment, fileAdded);
  const { L } = sandbox;
  lua.lua_sethook(L, (inner) => progress.at(currentSpot(inner)), lua.LUA_MASKLINE, 0);
  const failure = run(sandbox, job.bytes);
  if (failure !== undefined) return { kind: "failed", failure, files };
  lua.lua_settop(L, 0);
  lua.lua_pushglobaltable(L);
  const globals = lua.lua_topointer(L, 1) as LuaTable;
  const results = callFunctions(sandbox, globals, job.interfaces);
  const reader = new Reader(linesOf(job.bytes, files, included), results);
  const { printed } = sandbox;
  return { kind: "done", globals: reader.readTable(globals), printed, files, included };
}

function run(sandbox: Sandbox, bytes: Uint8Array): Failure | undefined {
  const { L, files } = sandbox;
  const seen: { spot: Spot } = { spot: firstSpot };
  lua.lua_pushcfunction(L, rememberSpot(seen));
  if (loadText(L, files[0] as string, bytes) !== lua.LUA_OK) return failureOf(sandbox, seen.spot);
  const status = lua.lua_pcall(L, 0, 0, 1);
  return status === lua.LUA_OK ? undefined : failureOf(sandbox, seen.spot);
}

/** A message handler of Lua: runs where the error was raised, before the stack is gone. */
function rememberSpot(seen: { spot: Spot }): LuaFunction {
  return (L) => {
    seen.spot = currentSpot(L);
    return 1;
  };
}

/** The error on top of the stack. */
function failureOf({ L, files }: Sandbox, spot: Spot): Failure {
  const thrown = lua.lua_isstring(L, -1) ? lua.lua_tostring(L, -1) : null;
  if (thrown === null) {
    const type = decoder.decode(lua.lua_typename(L, lua.lua_type(L, -1)));
    return { text: `an error was raised with a ${type} instead of a text`, spot };
  }
  const message = decoder.decode(thrown);
  for (const [file, name] of files.entries()) {
    const rest = message.startsWith(`${name}:`) ? message.slice(name.length + 1) : "";
    const found = /^(\d+): ([\s\S]*)$/.exec(rest);
    if (found !== null) {
      return { text: withRemedy(found[2] as string), spot: spotAt(file, Number(found[1])) };
    }
  }
  return { text: withRemedy(message), spot };
}

/** Calls `interfaces[n].subdomain`, where it is a function, for each of the entry's interfaces. */
function callFunctions(
  sandbox: Sandbox,
  globals: LuaTable,
  interfaces: readonly InterfaceFacts[],
): ReadonlyMap<unknown, readonly Result[]> {
  const results = new Map<unknown, Result[]>();
  const entries = listOf(field(globals, "interfaces"));
  for (const one of interfaces) {
    const entry = entries.find((candidate) => {
      const name = textOf(field(candidate, "name"));
      return name !== undefined && fitsInterface(name, one.name);
    });
    const subdomain = field(entry, "subdomain");
    if (subdomain?.ttisfunction() !== true || field(entry, "disable")?.value === true) continue;
    const known = results.get(subdomain.value) ?? [];
    known.push(callFunction(sandbox, subdomain, one));
    results.set(subdomain.value, known);
  }
  return results;
}

function callFunction(sandbox: Sandbox, f: TaggedValue, facts: InterfaceFacts): Result {
  const { L } = sandbox;
  lua.lua_settop(L, 0);
  const seen: { spot: Spot } = { spot: firstSpot };
  lua.lua_pushcfunction(L, rememberSpot(seen));
  pushValue(L, f);
  pushFacts(L, facts);
  if (lua.lua_pcall(L, 1, 1, 1) !== lua.LUA_OK) {
    const failure = failureOf(sandbox, seen.spot);
    const hasNoPrefix = facts.prefixes.length === 0;
    return { interface: facts.name, value: undefined, failure, hasNoPrefix };
  }
  return { interface: facts.name, value: readResult(L) };
}

/** Only a text, false or nil makes sense here; the checker refuses the rest. */
function readResult(L: LuaState): Value | undefined {
  const type = decoder.decode(lua.lua_typename(L, lua.lua_type(L, -1)));
  if (type === "nil") return undefined;
  if (type === "boolean") return { kind: "boolean", value: lua.lua_toboolean(L, -1) };
  if (type === "string") return readText(lua.lua_tostring(L, -1) as Uint8Array);
  return { kind: "odd", what: `a ${type}` };
}

function pushFacts(L: LuaState, facts: InterfaceFacts): void {
  lua.lua_createtable(L, 0, 3);
  lua.lua_pushstring(L, luaText(facts.name));
  lua.lua_setfield(L, -2, luaText("name"));
  if (facts.vlan !== undefined) {
    lua.lua_pushinteger(L, facts.vlan);
    lua.lua_setfield(L, -2, luaText("vlan"));
  }
  lua.lua_createtable(L, facts.prefixes.length, 0);
  for (const [at, prefix] of facts.prefixes.entries()) {
    lua.lua_pushstring(L, luaText(prefix));
    lua.lua_rawseti(L, -2, at + 1);
  }
  lua.lua_setfield(L, -2, luaText("prefixes"));
}

/** Lua's interface has no way to push a value that is only held in JavaScript. */
function pushValue(L: LuaState, value: TaggedValue): void {
  lua.lua_pushnil(L);
  const state = L as unknown as { stack: { setfrom(other: TaggedValue): void }[]; top: number };
  state.stack[state.top - 1]?.setfrom(value);
}

function field(table: LuaTable | undefined, key: string): TaggedValue | undefined {
  for (let at: TableEntry | undefined = table?.f; at !== undefined; at = at.n) {
    if (at.key.ttisstring() && decoder.decode(at.key.svalue()) === key) return at.value;
  }
  return undefined;
}

function listOf(value: TaggedValue | undefined): readonly LuaTable[] {
  const found: [number, LuaTable][] = [];
  if (value?.ttistable() !== true) return [];
  for (let at = (value.value as LuaTable).f; at !== undefined; at = at.n) {
    if (at.key.ttisnumber() && at.value.ttistable()) {
      found.push([at.key.value as number, at.value.value as LuaTable]);
    }
  }
  return found.sort(([a], [b]) => a - b).map(([, table]) => table);
}

function textOf(value: TaggedValue | undefined): string | undefined {
  return value?.ttisstring() === true ? decoder.decode(value.svalue()) : undefined;
}

/** Source lines of a file by its index, split once. */
function linesOf(
  main: Uint8Array,
  files: readonly string[],
  included: ReadonlyMap<string, Included>,
): (file: number) => readonly string[] {
  const known = new Map<number, readonly string[]>();
  return (file) => {
    let lines = known.get(file);
    if (lines === undefined) {
      const found = file === 0 ? { bytes: main } : included.get(files[file] as string);
      const bytes = found !== undefined && "bytes" in found ? found.bytes : noText;
      lines = decoder.decode(bytes).split("\n");
      known.set(file, lines);
    }
    return lines;
  };
}
