// The tables of docs/api.md as they follow from the shapes.

import type { Fields, Shape } from "../../src/api/shape.js";
import { bodyShapes, eventShapes } from "../../src/api/shapes.js";

/** What is generated stands between these two lines. */
export const begin = "<!-- The tables below are made from src/api/shapes.ts. -->";
export const end = "<!-- The tables above are made from src/api/shapes.ts. -->";

interface Row {
  readonly path: string;
  readonly type: string;
  readonly doc: string;
}

/** All tables: bodies by path, then events by name. */
export function tablesText(): string {
  const bodies = Object.entries(bodyShapes).map(([path, shape]) => sectionOf(path, shape));
  const events = Object.entries(eventShapes).map(([name, shape]) =>
    name.startsWith("service-") && name !== "service-added"
      ? `### Event \`${name}\`\n\nAs \`service-added\`.\n`
      : sectionOf(`Event \`${name}\``, shape),
  );
  return [...bodies, ...events].join("\n");
}

function sectionOf(title: string, shape: Shape): string {
  const heading = title.startsWith("/") ? `### \`${title}\`` : `### ${title}`;
  if (shape.kind === "open") return `${heading}\n\nAn object: ${shape.doc}.\n`;
  const rows = rowsOf("", shape);
  if (rows.length === 0) return `${heading}\n\nAn empty object.\n`;
  const lines = rows.map(({ path, type, doc }) => `| \`${path}\` | ${type} | ${doc} |`);
  return `${heading}\n\n| key | is | what |\n| --- | --- | --- |\n${lines.join("\n")}\n`;
}

function rowsOf(path: string, shape: Shape): readonly Row[] {
  const inner = innermost(shape);
  if (inner.kind === "object") {
    const own =
      path === "" || shape.doc === "" ? [] : [{ path, type: typeOf(shape), doc: shape.doc }];
    const fields = Object.entries(inner.fields as Fields).flatMap(([key, field]) =>
      rowsOf(path === "" ? key : `${path}.${key}`, field),
    );
    return [...own, ...fields];
  }
  if (inner.kind === "list" && innermost(inner.of as Shape).kind === "object") {
    const items = rowsOf(`${path}[]`, { ...(innermost(inner.of as Shape) as Shape), doc: "" });
    return [{ path, type: typeOf(shape), doc: shape.doc }, ...items];
  }
  return [{ path, type: typeOf(shape), doc: docOf(shape) }];
}

/** Without the shapes that only say that a value may be missing. */
function innermost(shape: Shape): Shape {
  const isWrapped = shape.kind === "optional" || shape.kind === "nullable";
  return isWrapped ? innermost(shape.of as Shape) : shape;
}

function typeOf(shape: Shape): string {
  switch (shape.kind) {
    case "optional":
      return `${typeOf(shape.of as Shape)}, or absent`;
    case "nullable":
      return `${typeOf(shape.of as Shape)} or null`;
    case "flag":
      return "true or false";
    case "word":
      return shape.words.map((one) => `\`"${one}"\``).join(", ");
    case "list":
      return `list of ${listed(innermost(shape.of as Shape))}`;
    default:
      return shape.kind;
  }
}

function listed(shape: Shape): string {
  if (shape.kind === "text") return "texts";
  if (shape.kind === "number") return "numbers";
  if (shape.kind === "word") return typeOf(shape);
  return `${shape.kind}s`;
}

function docOf(shape: Shape): string {
  const inner = innermost(shape);
  if (inner.kind !== "list") return inner.doc;
  const item = innermost(inner.of as Shape);
  return item.kind === "text" || item.kind === "number" ? `${inner.doc} (${item.doc})` : inner.doc;
}
