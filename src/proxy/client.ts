// What a client's address decides: which zones it may ask for, in which realm
// it is, which browse lists it is given. Addresses with equal rights share one
// class, so that an answer made for one of them serves the others.

import { type Address, type AddressList, formatPrefix, permits } from "../address.js";
import { clientClassesMax } from "../limits.js";
import type { BrowseLists, ProxyOptions } from "./options.js";
import type { Zone } from "./zones.js";

/** Clients that are told the same. */
export interface ClientClass {
  /** Equal for equal rights, under one configuration. */
  readonly id: string;
  /** The first realm that holds the address (DP-53, DP-54). */
  readonly realm?: string;
  /** The browse lists that replace the defaults for these clients. */
  readonly browse: BrowseLists;
  /** Some zone may be asked for. */
  readonly isAllowed: boolean;
  /** Whether names of the zone may be asked for (DP-124). */
  allows(zone: Zone): boolean;
}

/** Sorts addresses into classes, and remembers the latest ones. */
export class Clients {
  readonly #options: ProxyOptions;
  /** Lists of equal content have equal numbers. */
  readonly #numbers = new Map<AddressList, number>();
  readonly #lists: AddressList[] = [];
  readonly #remembered = new Map<string, ClientClass>();
  readonly #classes = new Map<string, ClientClass>();

  constructor(options: ProxyOptions) {
    this.#options = options;
    const byText = new Map<string, number>();
    for (const list of [options.allow, ...options.links.map((link) => link.allow)]) {
      const text = list.map((rule) => `${rule.refuse ? "!" : ""}${formatPrefix(rule.prefix)}`);
      const number = byText.get(text.join(" ")) ?? this.#lists.push(list) - 1;
      byText.set(text.join(" "), number);
      this.#numbers.set(list, number);
    }
  }

  classify(address: Address): ClientClass {
    const key = String.fromCharCode(...address.bytes);
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const made = this.#make(address);
    if (this.#classes.size >= clientClassesMax) this.#classes.clear();
    const shared = this.#classes.get(made.id) ?? made;
    this.#classes.set(made.id, shared);
    if (this.#remembered.size >= clientClassesMax) {
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest);
        break;
      }
    }
    this.#remembered.set(key, shared);
    return shared;
  }

  #make(address: Address): ClientClass {
    const { allow, browse, browseFor, realms } = this.#options;
    const permitted = this.#lists.map((list) => permits(list, address));
    const realm = realms.find((one) => permits(one.prefixes, address))?.name;
    const matching = browseFor.filter((one) => permits(one.client, address));
    // The first list of a kind counts, the general ones come last.
    const lists = [browse ?? {}, ...matching.map((one) => one.lists).reverse()];
    const numbers = matching.map((one) => browseFor.indexOf(one));
    const bits = permitted.map((yes) => (yes ? "1" : "0")).join("");
    return {
      id: `${bits}|${numbers.join(",")}|${realm ?? ""}`,
      ...(realm === undefined ? {} : { realm }),
      browse: Object.assign({}, ...lists) as BrowseLists,
      isAllowed: permitted.includes(true),
      allows: (zone) => permitted[this.#numbers.get(zone.link?.allow ?? allow) ?? -1] ?? false,
    };
  }
}
