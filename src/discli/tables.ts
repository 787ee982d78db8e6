// What browsing, resolving and asking found, as tables for somebody at a terminal.
// What a pipe gets is render.ts's, line by line.

import { rcodeName, typeName } from "../wire/codes.js";
import type { Message } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { type Cell, renderColumns, renderFacts, Table } from "./columns.js";
import type { Style } from "./command.js";
import { type ServiceParts, servicePartsOf, shown } from "./names.js";
import type { DomainList, DomainLists, Instance } from "./questions.js";
import { addressText, meaningOf, rdataText, stringsOf } from "./render.js";

const terminal = { isTerminal: true };

interface Found {
  readonly name: Name;
  readonly parts: ServiceParts | undefined;
}

/** Instances, or types, as they are found. */
export class BrowseTable {
  readonly #table: Table<Found>;

  /** @param hasInstances  a type was asked for */
  constructor(hasInstances: boolean, style: Style) {
    const whole = ({ name }: Found) => shown(name, style);
    this.#table = new Table(
      [
        ...(hasInstances
          ? [{ heading: "instance", cell: (of: Found) => of.parts?.instance ?? whole(of) }]
          : []),
        { heading: "type", cell: (of: Found) => of.parts?.type ?? whole(of) },
        {
          heading: "domain",
          cell: ({ parts }: Found) => (parts === undefined ? null : shown(parts.domain, style)),
        },
      ],
      terminal,
    );
  }

  add(names: readonly Name[]): string {
    return this.#table.add(names.map((name) => ({ name, parts: servicePartsOf(name) })));
  }
}

/** One fact a line; TXT key by key. */
export function instanceTable(instance: Instance, style: Style): string {
  const { name, places } = instance;
  const facts: (readonly [string, Cell])[] = [["instance", shown(name, style)]];
  for (const { host, port, addresses } of places) {
    facts.push(["host", shown(host, style)], ["port", port]);
    facts.push(["addresses", addresses.map(addressText)]);
  }
  const strings = stringsOf(instance).filter((text) => text !== "");
  for (const [at, text] of strings.entries()) facts.push([at === 0 ? "txt" : " ", text]);
  return renderFacts(facts, terminal);
}

/** The sections of an answer, each under its name. */
export function messageTable(message: Message, style: Style): string {
  const sections = {
    answer: message.answers,
    authority: message.authorities,
    additional: message.additionals,
  };
  const table = new Table<RR>(
    [
      { heading: "name", cell: ({ name }) => shown(name, style) },
      { heading: "ttl", cell: ({ ttlSeconds }) => ttlSeconds },
      { heading: "type", cell: ({ type }) => typeName(type) },
      { heading: "data", cell: (rr) => rdataText(rr, style) },
    ],
    terminal,
    { hasHeading: false },
  );
  table.expect(Object.values(sections).flat());
  const parts = [`; ${rcodeName(message.rcode)}${message.aa ? ", authoritative" : ""}\n`];
  for (const [name, rrs] of Object.entries(sections)) {
    if (rrs.length > 0) parts.push(`; ${name}\n`, table.add(rrs));
  }
  return parts.join("");
}

interface Row {
  readonly domain: Name;
  readonly prefix: DomainList["prefix"];
  readonly name: Name;
}

export function domainsTable(found: readonly DomainLists[], style: Style): string {
  const rows = found.flatMap(({ domain, lists }) =>
    lists.flatMap(({ prefix, names }) => names.map((name): Row => ({ domain, prefix, name }))),
  );
  const columns = [
    { heading: "list", cell: ({ prefix }: Row) => prefix },
    { heading: "meaning", cell: ({ prefix }: Row) => meaningOf[prefix] },
    { heading: "domain", cell: ({ name }: Row) => shown(name, style) },
    ...(found.length > 1
      ? [{ heading: "told by", cell: ({ domain }: Row) => shown(domain, style) }]
      : []),
  ];
  return renderColumns(rows, columns, terminal);
}
