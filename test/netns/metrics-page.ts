// The page of metrics of a running daemon, read over its Unix socket: samples by
// name and labels, and what moved between two readings.

import { get } from "node:http";
import type { Daemon } from "./daemon.js";

/** Values by `name{labels}` as written. */
export type Page = ReadonlyMap<string, number>;

/** The body of one path of the API. */
export function fetchText(daemon: Daemon, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath: daemon.socket, path }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });
}

export async function fetchPage(daemon: Daemon): Promise<Page> {
  const text = await fetchText(daemon, "/metrics");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** What became more of the samples whose names begin so, and by how much. */
export function moved(before: Page, after: Page, name = ""): Record<string, number> {
  const found: [string, number][] = [];
  for (const [sample, value] of after) {
    const difference = value - (before.get(sample) ?? 0);
    if (sample.startsWith(name) && difference !== 0) found.push([sample, difference]);
  }
  return Object.fromEntries(found);
}
