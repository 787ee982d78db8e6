// What discd.lua may use: Lua's own tables of functions without the ones that
// reach outside, `env` and `include` in their place, and `print`, whose lines
// become warnings. Globals that the file sets land in a table of their own, so
// that they can be told from what was there before.

import { type LuaFunction, type LuaState, lauxlib, lua, lualib, luaText } from "./fengari.js";
import { makeInclude } from "./lua-include.js";
import { currentSpot } from "./lua-lines.js";
import type { Failure, Included } from "./lua-value.js";

const printedMax = 100;
const printedLengthMax = 500;

const decoder = new TextDecoder();

/** Names of Lua that are not there, and what to use instead. */
const absent: Readonly<Record<string, string>> = {
  os: "env('NAME') reads a variable of the environment",
  io: "include('FILE') gives what another Lua file returns",
  require: "include('FILE') gives what another Lua file returns",
  dofile: "include('FILE') gives what another Lua file returns",
  loadfile: "include('FILE') gives what another Lua file returns",
  load: "write the code itself, or include('FILE')",
  loadstring: "write the code itself, or include('FILE')",
  dump: "functions stay inside discd.lua",
  debug: "print(…) shows a value as a warning of discd --check",
  package: "include('FILE') gives what another Lua file returns",
  collectgarbage: "memory is looked after by itself",
};

/** One run's files, and what it printed. */
export interface Sandbox {
  readonly L: LuaState;
  readonly files: string[];
  /** By path. */
  readonly included: ReadonlyMap<string, Included>;
  readonly printed: Failure[];
}

/**
 * A fresh state in which nothing has run.
 *
 * @param files     starts with the main file's name
 * @param included  files that are known already; those that have to be read are added
 */
export function openSandbox(
  files: string[],
  included: Map<string, Included>,
  environment: Readonly<Record<string, string | undefined>>,
  fileAdded: (name: string) => void,
): Sandbox {
  const L = lauxlib.luaL_newstate();
  lua.lua_atnativeerror(L, describeNativeError);
  for (const name of ["base", "coroutine", "table", "string", "math", "utf8"]) {
    const open = lualib[`luaopen_${name}`] as LuaFunction;
    lauxlib.luaL_requiref(L, luaText(name === "base" ? "_G" : name), open, true);
    lua.lua_settop(L, 0);
  }
  lua.lua_pushglobaltable(L);
  for (const name of Object.keys(absent)) remove(L, name);
  lua.lua_getfield(L, -1, luaText("string"));
  remove(L, "dump");
  lua.lua_pop(L, 1);

  const sandbox: Sandbox = { L, files, included, printed: [] };
  define(L, "env", (inner) => pushVariable(inner, environment));
  define(L, "print", (inner) => keepPrinted(inner, sandbox.printed));
  define(L, "include", makeInclude(files, included, fileAdded));
  replaceGlobals(L);
  return sandbox;
}

/** Lua's message, with the remedy where it comes from using a name that is not there. */
export function withRemedy(message: string): string {
  const used = /\((?:global|field|method) '(\w+)'\)/.exec(message)?.[1];
  const remedy = used === undefined ? undefined : absent[used];
  if (remedy === undefined) return message;
  const name = used === "dump" ? "string.dump" : used;
  return `${name} is not available in discd.lua: ${remedy} (${message})`;
}

function remove(L: LuaState, name: string): void {
  lua.lua_pushnil(L);
  lua.lua_setfield(L, -2, luaText(name));
}

function define(L: LuaState, name: string, f: LuaFunction): void {
  lua.lua_pushcfunction(L, f);
  lua.lua_setfield(L, -2, luaText(name));
}

/** Puts an empty table before the globals: what is set lands there, what is read is in either. */
function replaceGlobals(L: LuaState): void {
  lua.lua_createtable(L, 0, 0);
  lua.lua_createtable(L, 0, 2);
  lua.lua_pushvalue(L, 1);
  lua.lua_setfield(L, -2, luaText("__index"));
  lua.lua_pushboolean(L, false);
  lua.lua_setfield(L, -2, luaText("__metatable"));
  lua.lua_setmetatable(L, -2);
  lua.lua_pushvalue(L, -1);
  lua.lua_setfield(L, 1, luaText("_G"));
  lua.lua_rawseti(L, lua.LUA_REGISTRYINDEX, lua.LUA_RIDX_GLOBALS);
  lua.lua_settop(L, 0);
}

/** An exception of JavaScript, such as an exhausted stack, becomes an error of Lua. */
function describeNativeError(L: LuaState): number {
  const error = lua.lua_touserdata(L, 1);
  const text = error instanceof RangeError ? "too deep or too large" : "the interpreter failed";
  lua.lua_pushstring(L, luaText(`${text} (${error instanceof Error ? error.message : error})`));
  return 1;
}

function pushVariable(
  L: LuaState,
  environment: Readonly<Record<string, string | undefined>>,
): number {
  const name = decoder.decode(lauxlib.luaL_checkstring(L, 1));
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (value === undefined) lua.lua_pushnil(L);
  else lua.lua_pushstring(L, luaText(value));
  return 1;
}

function keepPrinted(L: LuaState, printed: Failure[]): number {
  if (printed.length >= printedMax) return 0;
  const words: string[] = [];
  for (let at = 1; at <= lua.lua_gettop(L); at++) {
    words.push(decoder.decode(lauxlib.luaL_tolstring(L, at).subarray(0, printedLengthMax)));
    lua.lua_pop(L, 1);
  }
  printed.push({ text: words.join(" ").slice(0, printedLengthMax), spot: currentSpot(L) });
  return 0;
}
