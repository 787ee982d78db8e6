// Secrets in discd.lua: how they are written, and who else can read them there. A
// secret is never part of a message, not even one that was mistyped: what the log
// and the screen show is read by more people than the file.

import { stat } from "node:fs/promises";
import type { Script } from "./lua-value.js";
import type { Problem } from "./report.js";
import type { Settings } from "./settings.js";
import type { Check } from "./shapes.js";

/** The right of others to read, in the mode of a file. */
const othersRead = 0o004;

/** A key of so many bytes, as hexadecimal digits. */
export function hexSecret(bytes: number): Check<Uint8Array> {
  const digits = bytes * 2;
  return (value, where) => {
    const text = value.kind === "string" ? value.text : undefined;
    if (text?.length === digits && /^[0-9a-f]*$/i.test(text)) {
      return Uint8Array.from(Buffer.from(text, "hex"));
    }
    const found =
      text === undefined
        ? "it is no text"
        : text.length === digits
          ? "there are other characters in it"
          : `it has ${text.length} characters`;
    const remedy = `make one with: openssl rand -hex ${bytes}`;
    where.report.problem(where, `must be ${digits} hexadecimal digits; ${found}; ${remedy}`);
    return undefined;
  };
}

/** A warning for each file that holds a secret and that every user of the host may read. */
export async function openSecrets(settings: Settings, script: Script): Promise<readonly Problem[]> {
  const { cookies } = settings.engine;
  const secret = cookies === false ? undefined : cookies.secret;
  if (secret === undefined) return [];
  const digits = Buffer.from(secret).toString("hex");
  const found = textsOf(script).map(async ([file, bytes]): Promise<readonly Problem[]> => {
    const text = Buffer.from(bytes).toString("latin1");
    const at = text.toLowerCase().indexOf(digits);
    if (at < 0 || !(await isOpen(file))) return [];
    const path = "cookies.secret";
    const remedy = `take that right away with: chmod o-r ${file}`;
    return [
      {
        file,
        line: text.slice(0, at).split("\n").length,
        path,
        text: `${path}: this file holds it and may be read by every user of this host; ${remedy}`,
        isWarning: true,
      },
    ];
  });
  return (await Promise.all(found)).flat();
}

/** What was run, by the name of its file. */
function textsOf({ file, bytes, included }: Script): (readonly [string, Uint8Array])[] {
  const others = [...included].flatMap(([path, one]) =>
    "refusal" in one ? [] : [[path, one.bytes] as const],
  );
  return [[file, bytes], ...others];
}

/** One that is gone, or out of reach, is nobody's to read. */
async function isOpen(file: string): Promise<boolean> {
  try {
    return ((await stat(file)).mode & othersRead) !== 0;
  } catch {
    return false;
  }
}
