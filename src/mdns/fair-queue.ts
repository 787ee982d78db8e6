// Whose turn it is when packets are scarce (DP-123): each client in turn gives
// one question. A question asked by several clients waits in the queue of each
// and goes with the first.

import { clientsPerQuestion } from "./timing.js";

export class FairQueue<Item> {
  /** By client, in the order of turns. */
  readonly #queues = new Map<string, Set<Item>>();
  readonly #clients = new Map<Item, string[]>();

  get size(): number {
    return this.#clients.size;
  }

  has(item: Item): boolean {
    return this.#clients.has(item);
  }

  add(item: Item, client: string): void {
    const clients = this.#clients.get(item);
    if (clients === undefined) this.#clients.set(item, [client]);
    else if (clients.length >= clientsPerQuestion || clients.includes(client)) return;
    else clients.push(client);
    const queue = this.#queues.get(client);
    if (queue === undefined) this.#queues.set(client, new Set([item]));
    else queue.add(item);
  }

  remove(item: Item): void {
    for (const client of this.#clients.get(item) ?? []) {
      const queue = this.#queues.get(client);
      queue?.delete(item);
      if (queue?.size === 0) this.#queues.delete(client);
    }
    this.#clients.delete(item);
  }

  /** The next item; its client's turn comes again after everyone else's. */
  take(): Item | undefined {
    for (const [client, queue] of this.#queues) {
      for (const item of queue) {
        this.#queues.delete(client);
        this.#queues.set(client, queue);
        this.remove(item);
        return item;
      }
    }
    return undefined;
  }

  clear(): void {
    this.#queues.clear();
    this.#clients.clear();
  }
}
