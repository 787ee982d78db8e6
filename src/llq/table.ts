// All LLQs that live, found by ID, by question and asker, by stream, by a name
// of a link, and counted per client.

import type { Question } from "../wire/message.js";
import { type Asker, wayOf } from "./asker.js";
import type { Llq } from "./llq.js";

export class LlqTable {
  readonly #byId = new Map<bigint, Llq>();
  readonly #byQuestion = new Map<string, Llq>();
  readonly #byStream = new Map<number, Set<Llq>>();
  readonly #byName = new Map<string, Set<Llq>>();
  readonly #perClient = new Map<string, number>();

  get size(): number {
    return this.#byId.size;
  }

  add(llq: Llq): void {
    const { asker, client } = llq;
    this.#byId.set(llq.id, llq);
    this.#byQuestion.set(questionKey(asker, llq.question), llq);
    if (asker.transport !== "udp") addTo(this.#byStream, asker.stream, llq);
    this.#perClient.set(client, this.ofClient(client) + 1);
    for (const name of llq.names) addTo(this.#byName, nameKey(llq.zone.link.link, name), llq);
  }

  remove(llq: Llq): void {
    const { asker, client } = llq;
    this.#byId.delete(llq.id);
    this.#byQuestion.delete(questionKey(asker, llq.question));
    if (asker.transport !== "udp") removeFrom(this.#byStream, asker.stream, llq);
    const others = this.ofClient(client) - 1;
    if (others === 0) this.#perClient.delete(client);
    else this.#perClient.set(client, others);
    this.#forgetNames(llq);
  }

  /** Another look went to other names of the link. */
  rename(llq: Llq, names: readonly string[]): void {
    const isSame =
      names.length === llq.names.length && names.every((name, at) => name === llq.names[at]);
    if (isSame) return;
    this.#forgetNames(llq);
    llq.names = names;
    for (const name of names) addTo(this.#byName, nameKey(llq.zone.link.link, name), llq);
  }

  has(llq: Llq): boolean {
    return this.#byId.get(llq.id) === llq;
  }

  hasId(id: bigint): boolean {
    return this.#byId.has(id);
  }

  /** The LLQ of this ID, if it is this asker's and for this question. */
  find(asker: Asker, id: bigint, question?: Question): Llq | undefined {
    const llq = this.#byId.get(id);
    if (llq === undefined || wayOf(llq.asker) !== wayOf(asker)) return undefined;
    if (question === undefined) return llq;
    return questionKey(asker, question) === questionKey(asker, llq.question) ? llq : undefined;
  }

  /** The LLQ that this asker has for the question, if any. */
  findTwin(asker: Asker, question: Question): Llq | undefined {
    return this.#byQuestion.get(questionKey(asker, question));
  }

  ofClient(client: string): number {
    return this.#perClient.get(client) ?? 0;
  }

  at(link: string, name: string): Iterable<Llq> {
    return this.#byName.get(nameKey(link, name)) ?? [];
  }

  onStream(stream: number): readonly Llq[] {
    return [...(this.#byStream.get(stream) ?? [])];
  }

  /** A copy, so that the caller may remove while it looks. */
  all(): readonly Llq[] {
    return [...this.#byId.values()];
  }

  #forgetNames(llq: Llq): void {
    for (const name of llq.names) removeFrom(this.#byName, nameKey(llq.zone.link.link, name), llq);
  }
}

const nameKey = (link: string, name: string) => `${link}\0${name}`;

/** The class is always IN. */
function questionKey(asker: Asker, { name, type }: Question): string {
  return `${wayOf(asker)} ${type} ${name.key}`;
}

function addTo<Key>(index: Map<Key, Set<Llq>>, key: Key, llq: Llq): void {
  const held = index.get(key);
  if (held === undefined) index.set(key, new Set([llq]));
  else held.add(llq);
}

function removeFrom<Key>(index: Map<Key, Set<Llq>>, key: Key, llq: Llq): void {
  const held = index.get(key);
  held?.delete(llq);
  if (held?.size === 0) index.delete(key);
}
