// On which line of discd.lua each key of each table was written. Lua keeps line
// numbers for instructions only, so the functions by which the virtual machine
// fills tables are wrapped: while one runs, the instruction that called it is
// known, and its line is kept beside the key. This holds for keys that a loop
// makes, and for tables that come from another file.

import {
  type Instruction,
  isLuaCall,
  type LuaState,
  type LuaString,
  type LuaTable,
  luaText,
  opcodes,
  type Proto,
  raise,
  stringKey,
  type TableEntry,
  type TaggedValue,
  tableFunctions,
} from "./fengari.js";
import { type Spot, spotAt } from "./spots.js";

/** Keys in one table. Beyond it a table would need a single block of memory too large to refuse. */
export const tableKeysMax = 200_000;

/** Set in an operand that names a constant instead of a register. */
const constantBit = 0x100;
/** Items that one SETLIST instruction stores at most. */
const itemsPerSetlist = 50;
/** How far back an instruction that filled a register is looked for. */
const lookBackMax = 5_000;

const decoder = new TextDecoder();

/** Instructions whose operand A is not the register they write. */
const nonWriters = new Set(
  [
    "OP_SETTABUP OP_SETUPVAL OP_SETTABLE OP_SETLIST OP_JMP OP_EQ OP_LT OP_LE OP_TEST",
    "OP_RETURN OP_TFORCALL OP_EXTRAARG",
  ]
    .join(" ")
    .split(" ")
    .map((name) => opcodes[name]),
);

/** The files of the present run, in the order in which they were first met. */
let files: readonly string[] = [];
let fileIndexes = new Map<LuaString, number>();
let isInstalled = false;

/** Starts a run: wraps fengari's table functions once, and counts files anew. */
export function startLines(names: readonly string[]): void {
  files = names;
  fileIndexes = new Map();
  if (isInstalled) return;
  isInstalled = true;
  const { luaH_new, luaH_setint, luaH_setfrom } = tableFunctions;
  tableFunctions.luaH_new = (L) => {
    const table = luaH_new(L);
    table.spot = currentSpot(L);
    table.maker = L;
    return table;
  };
  tableFunctions.luaH_setint = (table, key, value) => {
    if (table.maker !== undefined) refuseGrowth(table.maker, table);
    luaH_setint(table, key, value);
    const entry = table.strong.get(key);
    if (entry !== undefined && table.maker !== undefined) {
      noteItem(table.maker, entry, key);
    }
  };
  tableFunctions.luaH_setfrom = (L, table, key, value) => {
    // The compiler keeps its constants in tables too, and names no thread.
    const isRunning = L !== undefined && table.maker !== undefined;
    if (isRunning) refuseGrowth(L, table);
    luaH_setfrom(L, table, key, value);
    const entry = isRunning ? findEntry(table, key) : undefined;
    if (entry !== undefined) entry.spot = spotOfField(L);
  };
}

/** The line that a thread is at: that of the innermost function written in Lua. */
export function currentSpot(L: LuaState): Spot {
  for (let call: LuaState["ci"] | null = L.ci; call !== null; call = call.previous) {
    if ((call.callstatus & isLuaCall) !== 0) return spotIn(protoOf(call), call.l_savedpc - 1);
  }
  return spotAt(0, 1);
}

function refuseGrowth(L: LuaState, table: LuaTable): void {
  if (table.strong.size < tableKeysMax) return;
  raise(L, luaText(`a table may hold ${tableKeysMax} keys`));
}

function findEntry(table: LuaTable, key: TaggedValue): TableEntry | undefined {
  return table.strong.get(key.ttisstring() ? stringKey(key.tsvalue()) : key.value);
}

function protoOf(call: LuaState["ci"]): Proto {
  return (call.func.value as { p: Proto }).p;
}

function fileIndex(proto: Proto): number {
  const known = fileIndexes.get(proto.source);
  if (known !== undefined) return known;
  // The name of a chunk starts with "@" when it is a file's.
  const index = files.indexOf(decoder.decode(proto.source.getstr()).slice(1));
  fileIndexes.set(proto.source, Math.max(index, 0));
  return Math.max(index, 0);
}

function spotIn(proto: Proto, at: number): Spot {
  return spotAt(fileIndex(proto), proto.lineinfo[at] ?? 1);
}

/** `key = value` or `table[key] = value`, the instruction that runs now. */
function spotOfField(L: LuaState): Spot {
  if ((L.ci.callstatus & isLuaCall) === 0) return currentSpot(L);
  const proto = protoOf(L.ci);
  const at = L.ci.l_savedpc - 1;
  const own = proto.lineinfo[at] ?? 1;
  const step = proto.code[at] as Instruction;
  const isStore = step.opcode === opcodes.OP_SETTABLE || step.opcode === opcodes.OP_SETTABUP;
  if (!isStore || (step.C & constantBit) !== 0 || step.C < localsAt(proto, at)) {
    return spotAt(fileIndex(proto), own);
  }
  const writer = writerOf(proto, at, step.C);
  const began = writer === undefined ? own : lineOfWriter(proto, writer);
  // The instruction carries the line where the value ended; the key stands where it began.
  return spotAt(fileIndex(proto), Math.min(own, began));
}

/** An item of a list: the constructor stores up to 50 of them at its end. */
function noteItem(L: LuaState, entry: TableEntry, key: number): void {
  entry.spot = currentSpot(L);
  if ((L.ci.callstatus & isLuaCall) === 0) return;
  const proto = protoOf(L.ci);
  let at = L.ci.l_savedpc - 1;
  let batch: number | undefined;
  if (proto.code[at]?.opcode === opcodes.OP_EXTRAARG) batch = proto.code[at--]?.Ax;
  const step = proto.code[at] as Instruction;
  if (step.opcode !== opcodes.OP_SETLIST) return;
  const register = step.A + key - ((batch ?? step.C) - 1) * itemsPerSetlist;
  const writer = writerOf(proto, at, register);
  if (writer === undefined) return;
  entry.spot = spotAt(fileIndex(proto), lineOfWriter(proto, writer));
  const { opcode } = proto.code[writer] as Instruction;
  if (opcode === opcodes.OP_LOADK) entry.item = "constant";
  if (opcode === opcodes.OP_NEWTABLE) entry.item = "table";
}

/** Variables of a function that are alive at an instruction: they hold the lowest registers. */
function localsAt(proto: Proto, at: number): number {
  let count = 0;
  for (const local of proto.locvars) {
    if (local.startpc <= at && at < local.endpc) count++;
  }
  return count;
}

/** The instruction before `before` that filled a register, by position in the code. */
function writerOf(proto: Proto, before: number, register: number): number | undefined {
  for (let at = before - 1; at >= Math.max(0, before - lookBackMax); at--) {
    const step = proto.code[at] as Instruction;
    if (step.A === register && !nonWriters.has(step.opcode)) return at;
  }
  return undefined;
}

function lineOfWriter(proto: Proto, at: number): number {
  const step = proto.code[at] as Instruction;
  const inner = step.opcode === opcodes.OP_CLOSURE ? proto.p[step.Bx] : undefined;
  return inner?.linedefined ?? proto.lineinfo[at] ?? 1;
}
