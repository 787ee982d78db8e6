// Finding services by what is typed: every word has to occur somewhere in what
// is known of one, whatever its case and its accents.

import { kindOf } from "./kinds.js";
import type { Service } from "./shapes.js";

export function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The words of a search. */
export function wordsOf(query: string): string[] {
  return plain(query)
    .split(/\s+/)
    .filter((word) => word !== "");
}

export function holds(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

const texts = new WeakMap<Service, string>();

/** All that a service can be found by. */
export function textOf(service: Service): string {
  let text = texts.get(service);
  if (text === undefined) {
    const { instance, type, domain, link, host, addresses, txt, subtypes } = service;
    const pairs = txt.map(({ key, value }) => `${key}=${value ?? ""}`);
    const parts = [instance, type, kindOf(type) ?? "", domain, link, host];
    text = plain([...parts, ...addresses, ...subtypes, ...pairs].join("\n"));
    texts.set(service, text);
  }
  return text;
}

/** What narrows the list down. */
export interface Choice {
  readonly words: readonly string[];
  readonly type: string;
  readonly link: string;
}

/** What a choice leaves, and how many there would be for each other type and link. */
export interface Found {
  readonly services: Service[];
  readonly types: ReadonlyMap<string, number>;
  readonly links: ReadonlyMap<string, number>;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export function find(all: Iterable<Service>, choice: Choice): Found {
  const services: Service[] = [];
  const types = new Map<string, number>();
  const links = new Map<string, number>();
  for (const service of all) {
    if (choice.words.length > 0 && !holds(textOf(service), choice.words)) continue;
    const isOfType = choice.type === "" || service.type === choice.type;
    const isOnLink = choice.link === "" || service.link === choice.link;
    if (isOnLink) add(types, service.type);
    if (isOfType) add(links, service.link);
    if (isOfType && isOnLink) services.push(service);
  }
  return { services, types, links };
}

/** What discd is to send, and the words by which the page chooses among that. */
export interface PacketWish {
  /** Of `/v1/packets`; empty: everything. */
  readonly query: string;
  readonly words: readonly string[];
}

/** Reads `link=eth0 type=SRV name=… other words`, as `discli show packets` takes them. */
export function wishOf(text: string): PacketWish {
  const query = new URLSearchParams();
  const rest = text.split(/\s+/).filter((word) => {
    const [, key = "", value = ""] = /^(link|if|type|name)=(.+)$/i.exec(word) ?? [];
    if (key !== "") query.set(key.toLowerCase().replace("if", "link"), value);
    return key === "" && !/^(link|if|type|name)=$/i.test(word);
  });
  return { query: query.toString(), words: wordsOf(rest.join(" ")) };
}
