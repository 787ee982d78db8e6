// Secrets in discd.lua: how they are written, and who else can read them there. A
// secret is never part of a message, not even one that was mistyped: what the log
// and the screen show is read by more people than the file.

import { stat } from "node:fs/promises";
import type { Script } from "./lua-value.js";
import { othersRead } from "./named-files.js";
import type { Problem } from "./report.js";
import type { Written } from "./schema.js";
import type { Check } from "./shapes.js";

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

/** A secret that stands in a text of the configuration. */
export interface WrittenSecret {
  readonly path: string;
  /** As it is written there. */
  readonly text: string;
  readonly isCaseless: boolean;
  /** Whether discd does not start while others may read it (TSIG-7). */
  readonly isGuarded: boolean;
}

/** All secrets that the file has, or gets from the environment. */
export function secretsIn(written: Written): readonly WrittenSecret[] {
  const { cookies, http, interfaces, update } = written;
  const token = http === false ? undefined : http?.token;
  const digits =
    cookies === false || cookies.secret === undefined
      ? []
      : [Buffer.from(cookies.secret).toString("hex")];
  const tables = [update, ...interfaces.map((one) => one.update)];
  const keys = tables.flatMap((table) => [
    table?.key,
    ...(table?.keys ?? []).map(({ key }) => key),
  ]);
  return [
    ...digits.map((text) => ({
      path: "cookies.secret",
      text,
      isCaseless: true,
      isGuarded: false,
    })),
    ...(token === undefined ? [] : tokenTexts(token)).map((text) => ({
      path: "http.token",
      text,
      isCaseless: false,
      isGuarded: true,
    })),
    ...keys.flatMap((key) =>
      key?.kind !== "own"
        ? []
        : [
            {
              path: `${key.where.path}.secret`,
              text: key.secretText,
              isCaseless: false,
              isGuarded: true,
            },
          ],
    ),
  ];
}

/** So short a text may stand in a file for another reason. */
const tellingLength = 16;

/** How a token stands in a file, there for what it is. */
const tokenTexts = (token: string): readonly string[] =>
  token.length >= tellingLength ? [token] : [`'${token}'`, `"${token}"`, `[[${token}]]`];

/**
 * A line for each file that holds a secret and that every user of the host may read.
 *
 * @param mayRefuse  whether it may be an error, which keeps discd from starting; a daemon that
 *                   runs goes on
 */
export async function openSecrets(
  secrets: readonly WrittenSecret[],
  script: Script,
  mayRefuse: boolean,
): Promise<readonly Problem[]> {
  const texts = textsOf(script).map(
    ([file, bytes]) => [file, Buffer.from(bytes).toString("latin1")] as const,
  );
  const found = texts.map(async ([file, text]): Promise<readonly Problem[]> => {
    const held = secrets.flatMap((secret) => {
      const at = secret.isCaseless
        ? text.toLowerCase().indexOf(secret.text)
        : text.indexOf(secret.text);
      return at < 0 ? [] : [{ secret, line: text.slice(0, at).split("\n").length }];
    });
    if (held.length === 0 || !(await isOpen(file))) return [];
    const remedy = `take that right away with: chmod o-r ${file}`;
    return held.map(({ secret: { path, isGuarded }, line }) => ({
      file,
      line,
      path,
      text: `${path}: this file holds it and may be read by every user of this host; ${remedy}`,
      isWarning: !(isGuarded && mayRefuse),
    }));
  });
  return (await Promise.all(found)).flat();
}

/** `token = env('NAME')` with nothing after it that would do instead. */
const tokenFromOutside = /\btoken\s*=\s*env\s*\(?\s*(['"])(\w+)\1\s*\)?\s*(?=[,;}]|--|$)/g;

/**
 * A line where the token was to come from a variable that is not set: to Lua that is a key
 * which nobody wrote, so that only the text tells it from no wish for a token.
 */
export function unsetTokens({ http }: Written, script: Script): readonly Problem[] {
  if (http === undefined || http === false || http.token !== undefined) return [];
  return textsOf(script).flatMap(([file, bytes]) => {
    const lines = Buffer.from(bytes).toString("latin1").split("\n");
    return lines.flatMap((line, index) =>
      [...line.replace(/--.*$/, "").matchAll(tokenFromOutside)].flatMap(([, , name = ""]) => {
        if (Object.hasOwn(script.environment, name)) return [];
        const what = `http.token: the variable ${name} is not set, so that there is no token`;
        const remedy = `set it where discd is started, as by Environment=${name}=… in its unit`;
        const text = `${what}; ${remedy}`;
        return [{ file, line: index + 1, path: "http.token", text, isWarning: true }];
      }),
    );
  });
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
