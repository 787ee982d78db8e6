// Who asks, by the text of the address (DP-124): parsed and judged when it is
// seen for the first time, remembered for the next query. What the rights of a
// client are is said in proxy/client.ts.

import { clientKey, parseAddress } from "../address.js";
import { clientClassesMax } from "../limits.js";
import type { Clients } from "../proxy/client.js";
import type { Client } from "./ask.js";

export class Access {
  readonly #clients = new Map<string, Client>();
  readonly #numbers = new Map<string, number>();
  #serial = 0;
  #sorted: Clients;

  constructor(sorted: Clients) {
    this.#sorted = sorted;
  }

  configure(sorted: Clients): void {
    this.#sorted = sorted;
    this.#clients.clear();
    this.#numbers.clear();
  }

  /** @returns undefined when the text is no address */
  clientAt(address: string): Client | undefined {
    return this.#clients.get(address) ?? this.#meet(address);
  }

  #meet(text: string): Client | undefined {
    const address = parseAddress(text);
    if (address === undefined) return undefined;
    const sorted = this.#sorted.classify(address);
    const client = {
      class: sorted,
      classNumber: this.#numberOf(sorted.id),
      key: clientKey(address),
      address: address.bytes,
    };
    if (this.#clients.size >= clientClassesMax) this.#clients.clear();
    this.#clients.set(text, client);
    return client;
  }

  /** Numbers are never used for another class, so that ready answers stay apart. */
  #numberOf(id: string): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    if (this.#numbers.size >= clientClassesMax) this.#numbers.clear();
    this.#serial += 1;
    this.#numbers.set(id, this.#serial);
    return this.#serial;
  }
}
