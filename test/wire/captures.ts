// Packets that other people's software put on a wire, from test/data/packets.
// A file is hex in lines; a comment in front of each packet names it.

import { readdirSync, readFileSync } from "node:fs";

export interface Capture {
  /** File and comment, for test titles. */
  readonly title: string;
  readonly bytes: Uint8Array;
}

const folder = "test/data/packets";

/** The packets of one file, in their order on the wire. */
export function capturesOf(file: string): Capture[] {
  const found: Capture[] = [];
  // The first paragraph tells where the packets are from.
  const [, ...paragraphs] = readFileSync(`${folder}/${file}`, "utf8").trimEnd().split("\n\n");
  for (const paragraph of paragraphs) {
    const lines = paragraph.split("\n");
    const title = lines.filter((line) => line.startsWith("#")).map((line) => line.slice(2));
    const digits = lines.map((line) => line.replace(/#.*/, "")).join("");
    const bytes = Uint8Array.from(Buffer.from(digits.replace(/\s+/g, ""), "hex"));
    found.push({ title: `${file}: ${title.join(" ")}`, bytes });
  }
  return found;
}

/** Every packet of every file. */
export function allCaptures(): Capture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".hex"))
    .sort()
    .flatMap(capturesOf);
}

/** Bytes of annotated hex: what follows a `;` in a line is comment. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/;.*$/gm, "").replace(/\s+/g, "");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
