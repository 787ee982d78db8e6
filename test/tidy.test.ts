// The house rules that a machine can check: who may import whom, what stays out
// of the cores, how long things may be, and which words are not names.
// Each failure prints the place and the reason.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const top = fileURLToPath(new URL("..", import.meta.url));

interface Source {
  readonly path: string;
  readonly lines: readonly string[];
  readonly text: string;
}

function sourcesUnder(folder: string): Source[] {
  const found: Source[] = [];
  for (const entry of readdirSync(join(top, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name)) continue;
    const path = relative(top, join(entry.parentPath, entry.name));
    const text = readFileSync(join(top, path), "utf8");
    found.push({ path, text, lines: text.split("\n") });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const product = sourcesUnder("src");
const everything = [
  ...product,
  ...sourcesUnder("web"),
  ...sourcesUnder("test"),
  ...sourcesUnder("bench"),
  ...sourcesUnder("scripts"),
];

/** Which folder stands on which: a file imports only from its own folder or a lower rank. */
const ranks: Readonly<Record<string, number>> = {
  "": 0,
  wire: 1,
  mdns: 2,
  proxy: 2,
  dso: 2,
  query: 3,
  push: 3,
  llq: 3,
  update: 3,
  client: 3,
  learn: 3,
  engine: 4,
  config: 5,
  os: 5,
  api: 3,
  demo: 5,
  discd: 6,
  discli: 6,
  discweb: 6,
  nst: 6,
};

const edge = new Set(["config", "os", "discd", "discli", "discweb", "nst"]);

function folderOf(path: string): string {
  const folder = dirname(relative("src", path)).split("/")[0] ?? "";
  return folder === "." ? "" : folder;
}

function importsOf(source: Source): string[] {
  const found: string[] = [];
  for (const match of source.text.matchAll(
    /^(?:import|export)\s[^;]*?from\s+"([^"]+)";|^import\s+"([^"]+)";|\bimport\("([^"]+)"\)/gm,
  )) {
    found.push((match[1] ?? match[2] ?? match[3]) as string);
  }
  return found;
}

function codeOnly(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, '""').replace(/\/\/.*$|^\s*\*.*$/, "");
}

/** Every line of the given sources that breaks a rule, as `path:line: reason`. */
function broken(
  sources: readonly Source[],
  rule: (line: string, source: Source) => string | undefined,
): string[] {
  const faults: string[] = [];
  for (const source of sources) {
    source.lines.forEach((line, index) => {
      const reason = rule(line, source);
      if (reason !== undefined) faults.push(`${source.path}:${index + 1}: ${reason}`);
    });
  }
  return faults;
}

test("files import only from their own folder or a lower rank", () => {
  const faults: string[] = [];
  for (const source of product) {
    const own = folderOf(source.path);
    for (const imported of importsOf(source)) {
      if (!imported.startsWith(".")) continue;
      const target = normalize(join(dirname(source.path), imported));
      const other = folderOf(target);
      const rank = ranks[other];
      if (rank === undefined || ranks[own] === undefined) {
        faults.push(`${source.path}: folder "${other}" has no rank`);
      } else if (own !== other && rank >= (ranks[own] as number)) {
        faults.push(`${source.path}: ${own || "src"} may not import ${other} (${imported})`);
      }
      if (!imported.endsWith(".js")) faults.push(`${source.path}: ${imported} lacks .js`);
      if (/(^|\/)index\.js$/.test(imported) && !target.startsWith("src/wire/rdata/")) {
        faults.push(`${source.path}: import the file you mean, not ${imported}`);
      }
    }
  }
  expect(faults).toEqual([]);
});

test("only the edge touches Node", () => {
  const faults: string[] = [];
  for (const source of product) {
    if (edge.has(folderOf(source.path))) continue;
    for (const imported of importsOf(source)) {
      const allowed = source.path === "src/wire/tsig.ts" && imported === "node:crypto";
      if (imported.startsWith("node:") && !allowed) {
        faults.push(`${source.path}: ${imported} belongs to os/, config/ or a program`);
      }
    }
  }
  expect(faults).toEqual([]);
});

test("koffi is used in one file only", () => {
  const users = product.filter((source) => importsOf(source).includes("koffi"));
  expect(users.map((source) => source.path)).toEqual(["src/os/native.ts"]);
});

test("no clock, chance, promise or event emitter in a core", () => {
  const banned: readonly (readonly [RegExp, string])[] = [
    [/\b(setTimeout|setInterval|setImmediate)\b/, "timers are deadlines (deadlines.ts)"],
    [/\b(Date|performance)\b(\.|\()/, "time is handed in as `now`"],
    [/\bMath\.random\b/, "chance is handed in (random.ts)"],
    [/\b(async|await|Promise)\b/, "a core is synchronous"],
    [/\bEventEmitter\b/, "changes are returned as values"],
    [/\bconsole\./, "the log is handed in (log.ts)"],
    [/\bprocess\./, "the process belongs to the edge"],
  ];
  const cores = product.filter((source) => !edge.has(folderOf(source.path)));
  const faults = broken(cores, (line) => {
    const code = codeOnly(line);
    return banned.find(([pattern]) => pattern.test(code))?.[1];
  });
  expect(faults).toEqual([]);
});

test("no inheritance but from Error, no enum, no namespace", () => {
  const faults = broken(product, (line) => {
    const code = codeOnly(line);
    if (/\bclass\s+\w+(<[^>]*>)?\s+extends\s+(?!Error\b)/.test(code)) {
      return "no class inheritance except from Error";
    }
    return /^\s*(export\s+)?(const\s+)?(enum|namespace)\s/.test(code)
      ? "no enum, no namespace: `as const` tables and unions"
      : undefined;
  });
  expect(faults).toEqual([]);
});

test("files have at most 500 lines, lines at most 100 columns", () => {
  const faults = everything
    .filter((source) => source.lines.length > 501)
    .map((source) => `${source.path}: ${source.lines.length} lines; a room that wants a wall`);
  faults.push(
    ...broken(everything, (line) => {
      // Long text cannot be broken; what stands around it can.
      const around = line.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`?/g, "");
      return [...around].length > 100 ? `${[...line].length} columns` : undefined;
    }),
  );
  expect(faults).toEqual([]);
});

test("functions have at most 70 lines", () => {
  const faults: string[] = [];
  for (const source of product) {
    source.lines.forEach((line, start) => {
      const method =
        /^ {2}(?!if|for|while|switch|return|else|do|try)(static |async |get |set )*#?\w+/.exec(
          line,
        );
      const opens =
        /^(export )?(async )?function\b/.test(line) ||
        (method !== null && /^(<[^>]*>)?\(.*\{$/.test(line.slice(method[0].length)));
      if (!opens) return;
      const indent = line.startsWith("  ") ? "  }" : "}";
      const end = source.lines.findIndex((other, index) => index > start && other === indent);
      if (end - start > 70) {
        faults.push(`${source.path}:${start + 1}: ${end - start + 1} lines in one function`);
      }
    });
  }
  expect(faults).toEqual([]);
});

test("each file says at its top what it is", () => {
  const faults = everything
    .filter((source) => !/^(#!.*\n)?(\/\/ \S|\/\*\*)/.test(source.text))
    .map((source) => `${source.path}: no header comment`);
  expect(faults).toEqual([]);
});

test("every file of the product is imported by something", () => {
  const used = new Set<string>();
  for (const source of everything) {
    for (const imported of importsOf(source)) {
      if (!imported.startsWith(".")) continue;
      used.add(normalize(join(dirname(source.path), imported)).replace(/\.js$/, ".ts"));
    }
  }
  const entries = /^src\/(discd|discli|nst)\/main\.ts$|^src\/config\/lua-worker\.ts$/;
  const unused = product.filter((source) => !used.has(source.path) && !entries.test(source.path));
  expect(unused.map((source) => source.path)).toEqual([]);
});

test("names say what they mean", () => {
  const words = /(manager|helper|util|common|misc|handler|context)/i;
  const faults = product
    .filter((source) => words.test(source.path))
    .map((source) => `${source.path}: the file has no noun of its own`);
  faults.push(
    ...broken(product, (line, source) => {
      const declared = /\b(?:class|interface|type|function|const|let)\s+(\w+)/.exec(codeOnly(line));
      if (declared === null || source.path.startsWith("src/os/")) return undefined;
      const name = declared[1] as string;
      return words.test(name) || /^(data|info)$|Info$/.test(name)
        ? `"${name}" names nothing`
        : undefined;
    }),
  );
  expect(faults).toEqual([]);
});

test("cited RFCs are ones the project builds on", () => {
  const known = new Set(
    [
      "1034 1035 1918 2136 2181 2308 2782 3225 3492 3596 3597 3927 4033 4034 4035 4193 4291 4343",
      "4470 4592 4862 5001 5155 5952 6303 6761 6762 6763 6891 7314 7626 7766 7828 7830 7858 7871",
      "3376 3810 1982 7873 8020 8198 8310 8375 8467 8482 8484 8490 8499 8501 8552 8764 8765 8766 8767 8882 8906 8914",
      "8945 9018 9103 9156 9210 9325 9460 9461 9499 9619 9664 9665 5737 3849 2845 2929 6895 6303",
      "3007 5936 6840 5280 6066 7673 8446 9525 1183 2163 2230 2672 2915 3123 3403 4035 6604 6672 7043 7929 8005 9460 7208 1706 4701 2606 3339",
    ]
      .join(" ")
      .split(" "),
  );
  const faults = broken(product, (line) => {
    for (const match of line.matchAll(/\bRFC (\d{3,5})\b/g)) {
      if (!known.has(match[1] as string)) return `RFC ${match[1]} is not in the list`;
    }
    return undefined;
  });
  expect(faults).toEqual([]);
});
