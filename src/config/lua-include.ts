// The files that discd.lua is made of: `include`, bounded in depth and number,
// and the texts it has read. Each file is read once in a run, and the texts are
// kept: run again for other interfaces, the configuration is still the one that
// was accepted, whatever has become of the files meanwhile.

import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { type LuaFunction, type LuaState, lauxlib, lua, luaText } from "./fengari.js";
import { fileSizeMax, reasonOf } from "./files.js";
import { currentSpot } from "./lua-lines.js";
import type { Included } from "./lua-value.js";
import { fileOf } from "./spots.js";

/** Files inside each other; each costs some of the machine's stack. */
const includeDepthMax = 16;
/** Files in one run. */
const includesMax = 1000;

const decoder = new TextDecoder();

/**
 * `include(file)`: runs another file and gives what it returns.
 *
 * @param files      names of the files of the run, the main one first; those included are added
 * @param included   what is known already, by path; what has to be read is added
 * @param fileAdded  told of each name that is added
 */
export function makeInclude(
  files: string[],
  included: Map<string, Included>,
  fileAdded: (name: string) => void,
): LuaFunction {
  /** Real paths of the files that are running, the innermost last. */
  const open: string[] = [];
  let count = 0;
  return (L) => {
    const wanted = decoder.decode(lauxlib.luaL_checkstring(L, 1));
    // The main file is open from the start; only here is its real path needed.
    if (open.length === 0) open.push(realPathOf(files[0] as string));
    const from = files[fileOf(currentSpot(L))] ?? (files[0] as string);
    const path = isAbsolute(wanted) ? wanted : join(dirname(from), wanted);
    const depth = open.length;
    const found = included.get(path) ?? read(path);
    const refusal = "refusal" in found ? found.refusal : refuse(found.realPath, open, ++count);
    if (refusal !== undefined || "refusal" in found) {
      included.set(path, found);
      return lauxlib.luaL_error(L, escapePercent(`include('${wanted}'): ${refusal}`));
    }
    included.set(path, found);
    if (!files.includes(path)) {
      files.push(path);
      fileAdded(path);
    }
    open.push(found.realPath);
    try {
      const top = lua.lua_gettop(L);
      if (loadText(L, path, found.bytes) !== lua.LUA_OK) return lua.lua_error(L);
      lua.lua_call(L, 0, lua.LUA_MULTRET);
      return lua.lua_gettop(L) - top;
    } finally {
      // Also on the way out of an error that the including file catches.
      open.length = depth;
    }
  };
}

/** Compiles one file's text onto the stack; a message in its place when that fails. */
export function loadText(L: LuaState, name: string, bytes: Uint8Array): number {
  let text = bytes;
  if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) text = text.subarray(3);
  // A first line "#!…" counts as a line, but is not Lua.
  if (text[0] === 0x23) text = text.subarray(Math.max(text.indexOf(0x0a), 0));
  // Only text: a compiled chunk could break the virtual machine.
  return lauxlib.luaL_loadbufferx(L, text, text.length, luaText(`@${name}`), luaText("t"));
}

function read(path: string): Included {
  try {
    const facts = statSync(path);
    if (!facts.isFile()) return { refusal: "is not a regular file" };
    if (facts.size > fileSizeMax) return { refusal: `is larger than ${fileSizeMax} bytes` };
    return { bytes: Uint8Array.from(readFileSync(path)), realPath: realPathOf(path) };
  } catch (error) {
    return { refusal: reasonOf(error) };
  }
}

function refuse(realPath: string, open: readonly string[], count: number): string | undefined {
  if (open.includes(realPath)) return "the files include each other in a circle";
  if (open.length > includeDepthMax) return `more than ${includeDepthMax} files inside each other`;
  if (count > includesMax) return `more than ${includesMax} files in one run`;
  return undefined;
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** luaL_error takes a format. */
function escapePercent(text: string): Uint8Array {
  return luaText(text.replaceAll("%", "%%"));
}
