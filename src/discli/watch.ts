// `browse --watch`: what comes and what goes, until Ctrl-C. How changes are heard
// of is client/'s; this prints them on standard output, and on standard error
// which way is in use and why no better one is.

import type { ClientOutput } from "../client/io.js";
import { ClientDriver } from "../os/client.js";
import type { Resolver } from "../os/resolver.js";
import { RRClass, RRType } from "../wire/codes.js";
import { displayName, type Name } from "../wire/name.js";
import type { Style } from "./command.js";
import type { Output } from "./output.js";
import { asJson, renderChange } from "./render.js";
import { trustOf } from "./trust.js";

/** How changes are to be heard of. */
export interface WatchWords {
  /** A file of certificates. */
  readonly ca: string | undefined;
  readonly pins: readonly string[];
  readonly takesPush: boolean;
  readonly takesLlq: boolean;
}

export interface WatchOptions {
  readonly resolver: Resolver;
  readonly words: WatchWords;
  readonly style: Style;
  readonly output: Output;
}

const wayTexts = {
  push: "changes come by DNS Push from",
  llq: "changes come by a long-lived query from",
  poll: "nobody tells of changes: it is asked again and again",
} as const;

/** Follows PTR questions at these names. @returns after Ctrl-C */
export async function watch(names: readonly Name[], options: WatchOptions): Promise<void> {
  const { resolver, words } = options;
  const driver = new ClientDriver({
    ask: async (name, type) => {
      const { message, server } = await resolver.ask(name, type);
      return { message, from: server.address };
    },
    resolvers: resolver.addresses,
    trust: trustOf(words.ca, words.pins),
    takesPush: words.takesPush,
    takesLlq: words.takesLlq,
    tell: (told) => tell(told, options, names.length > 1),
  });
  for (const name of names) driver.follow({ name, type: RRType.PTR, class: RRClass.IN });
  await new Promise<void>((resolve) => {
    // The next Ctrl-C ends the process as usual.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await driver.end();
}

/** @param isOneOfMany  a complaint has to say which name it is about */
function tell(told: ClientOutput, { style, output }: WatchOptions, isOneOfMany: boolean): void {
  const name = displayName(told.question.name);
  switch (told.kind) {
    case "added":
    case "removed":
      // An alias on the way is nothing that anybody browses for.
      if (told.rr.rdata.kind !== "ptr") return;
      output.print(renderChange(told.kind === "added" ? "+" : "-", told.rr.rdata.target, style));
      return;
    case "way": {
      const { way, place } = told;
      if (style.json) {
        output.remark(asJson({ way, name, ...(place === undefined ? {} : { place }) }, 0));
      } else {
        output.complain(`${name}: ${wayTexts[way]} ${place ?? ""}`.trimEnd());
      }
      return;
    }
    case "failed":
      if (style.json) output.remark(asJson({ failed: told.reason, name }, 0));
      else output.complain(`${isOneOfMany ? `${name}: ` : ""}${told.reason}`);
  }
}
