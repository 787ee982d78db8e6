// The doorway to fengari, the Lua 5.3 virtual machine. fengari has no types, so
// the few parts that discd touches are described here, including the insides
// that say on which line a table was filled (lua-lines.ts). The version is
// pinned in package.json for that reason. It is loaded at this file's turn and
// not before all others, since byte-limit.ts has to come first.

import { createRequire } from "node:module";

export interface Instruction {
  readonly opcode: number;
  readonly A: number;
  readonly B: number;
  readonly C: number;
  readonly Bx: number;
  readonly Ax: number;
}

export interface LuaString {
  getstr(): Uint8Array;
}

/** A compiled function. */
export interface Proto {
  readonly code: readonly Instruction[];
  /** Line of each instruction. */
  readonly lineinfo: readonly number[];
  readonly linedefined: number;
  readonly source: LuaString;
  readonly p: readonly Proto[];
  readonly locvars: readonly { readonly startpc: number; readonly endpc: number }[];
}

export interface Call {
  readonly func: TaggedValue;
  readonly previous: Call | null;
  readonly callstatus: number;
  readonly l_savedpc: number;
}

/** A Lua thread. */
export interface LuaState {
  readonly ci: Call;
}

export interface TaggedValue {
  readonly value: unknown;
  ttisnil(): boolean;
  ttisboolean(): boolean;
  ttisnumber(): boolean;
  ttisstring(): boolean;
  ttistable(): boolean;
  ttisfunction(): boolean;
  tsvalue(): LuaString;
  svalue(): Uint8Array;
}

/** A key with its value; `spot` and `item` are added by lua-lines.ts. */
export interface TableEntry {
  readonly key: TaggedValue;
  readonly value: TaggedValue;
  readonly n: TableEntry | undefined;
  spot?: number;
  /** An item that stands in its list as a constant or as `{ … }`: its spot may be off. */
  item?: "constant" | "table";
}

/** A table; `spot` and `maker` are added by lua-lines.ts. */
export interface LuaTable {
  readonly strong: Map<unknown, TableEntry>;
  /** First of the entries, which are chained in the order of insertion. */
  readonly f: TableEntry | undefined;
  readonly metatable: LuaTable | null;
  spot?: number;
  maker?: LuaState;
}

/** Lua's C function type: takes arguments from the stack, returns the number of results. */
export type LuaFunction = (L: LuaState) => number;

interface LuaApi {
  readonly LUA_OK: 0;
  readonly LUA_REGISTRYINDEX: number;
  readonly LUA_RIDX_GLOBALS: number;
  readonly LUA_MULTRET: number;
  readonly LUA_MASKLINE: number;
  readonly LUA_MASKCOUNT: number;
  lua_atnativeerror(L: LuaState, f: LuaFunction): void;
  lua_call(L: LuaState, args: number, results: number): void;
  lua_createtable(L: LuaState, list: number, hash: number): void;
  lua_error(L: LuaState): never;
  lua_getfield(L: LuaState, index: number, key: Uint8Array): number;
  lua_gettop(L: LuaState): number;
  lua_insert(L: LuaState, index: number): void;
  lua_isstring(L: LuaState, index: number): boolean;
  lua_pcall(L: LuaState, args: number, results: number, messageAt: number): number;
  lua_pop(L: LuaState, count: number): void;
  lua_pushboolean(L: LuaState, value: boolean): void;
  lua_pushcfunction(L: LuaState, f: LuaFunction): void;
  lua_pushglobaltable(L: LuaState): void;
  lua_pushinteger(L: LuaState, value: number): void;
  lua_pushnil(L: LuaState): void;
  lua_pushstring(L: LuaState, text: Uint8Array): void;
  lua_pushvalue(L: LuaState, index: number): void;
  lua_rawgeti(L: LuaState, index: number, key: number): number;
  lua_rawseti(L: LuaState, index: number, key: number): void;
  lua_setfield(L: LuaState, index: number, key: Uint8Array): void;
  lua_sethook(L: LuaState, f: (L: LuaState) => void, mask: number, count: number): void;
  lua_setmetatable(L: LuaState, index: number): void;
  lua_settop(L: LuaState, index: number): void;
  lua_toboolean(L: LuaState, index: number): boolean;
  lua_topointer(L: LuaState, index: number): unknown;
  lua_tostring(L: LuaState, index: number): Uint8Array | null;
  lua_type(L: LuaState, index: number): number;
  lua_typename(L: LuaState, type: number): Uint8Array;
  lua_touserdata(L: LuaState, index: number): unknown;
}

interface AuxiliaryApi {
  luaL_checkstring(L: LuaState, index: number): Uint8Array;
  luaL_error(L: LuaState, text: Uint8Array): never;
  luaL_loadbufferx(
    L: LuaState,
    bytes: Uint8Array,
    size: number,
    name: Uint8Array,
    mode: Uint8Array,
  ): number;
  luaL_newstate(): LuaState;
  luaL_requiref(L: LuaState, name: Uint8Array, open: LuaFunction, isGlobal: boolean): void;
  luaL_tolstring(L: LuaState, index: number): Uint8Array;
}

interface Fengari {
  readonly lua: LuaApi;
  readonly lauxlib: AuxiliaryApi;
  readonly lualib: Readonly<Record<string, LuaFunction>>;
  to_luastring(text: string): Uint8Array;
}

/** The functions by which the virtual machine reaches tables: replaced by lua-lines.ts. */
export interface TableFunctions {
  luaH_new(L: LuaState): LuaTable;
  luaH_setint(table: LuaTable, key: number, value: TaggedValue): void;
  luaH_setfrom(L: LuaState, table: LuaTable, key: TaggedValue, value: TaggedValue): void;
}

const load = createRequire(import.meta.url);

export const { lua, lauxlib, lualib, to_luastring: luaText } = load("fengari") as Fengari;
export const tableFunctions = load("fengari/src/ltable.js") as TableFunctions;
export const { OpCodesI: opcodes } = load("fengari/src/lopcodes.js") as {
  OpCodesI: Readonly<Record<string, number>>;
};
/** Bit of `Call.callstatus`: a function written in Lua. */
export const { CIST_LUA: isLuaCall } = load("fengari/src/lstate.js") as { CIST_LUA: number };
/** The form in which a table keeps a string key. */
export const { luaS_hashlongstr: stringKey } = load("fengari/src/lstring.js") as {
  luaS_hashlongstr: (text: LuaString) => string;
};
/** Raises an error of Lua from inside the virtual machine, with the line that runs. */
export const { luaG_runerror: raise } = load("fengari/src/ldebug.js") as {
  luaG_runerror: (L: LuaState, text: Uint8Array) => never;
};
