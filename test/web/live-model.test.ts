// The page's model while lists are read and events come at the same time: whatever
// the order in which they arrive, what is gone stays gone.

import { expect, test } from "vitest";
import type { Api } from "../../web/api.js";
import { Live } from "../../web/live.js";
import { Model } from "../../web/model.js";
import type { Service } from "../../web/shapes.js";
import type { StreamEvent } from "../../web/stream.js";
import { interfaces, service, summary } from "./world.js";

const one = service(1, "one", "_ipp._tcp", "eth0") as unknown as Service;
const two = service(2, "two", "_ipp._tcp", "eth0") as unknown as Service;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An API whose lists of services come when they are let. */
class SlowApi {
  tell: (event: StreamEvent) => void = () => {};
  #lists: { resolve(body: object): void; reject(error: Error): void }[] = [];
  /** Streams so far. */
  streams = 0;

  get waiting(): number {
    return this.#lists.length;
  }

  give(...services: readonly Service[]): Promise<void> {
    this.#lists.shift()?.resolve({ services });
    return turn();
  }

  fail(): Promise<void> {
    this.#lists.shift()?.reject(new Error("cut off"));
    return turn();
  }

  json(path: string): Promise<object> {
    if (path === "v1/services") {
      return new Promise((resolve, reject) => {
        this.#lists.push({ resolve, reject });
      });
    }
    const bodies = { "v1/summary": summary(2), healthz: { listeners: [] } };
    return Promise.resolve(bodies[path as keyof typeof bodies] ?? { interfaces: interfaces([]) });
  }

  follow(_: string, opened: () => void, take: (event: StreamEvent) => void): Promise<void> {
    this.streams += 1;
    return new Promise((_resolve, reject) => {
      this.tell = (event) => {
        try {
          take(event);
        } catch (error) {
          reject(error);
        }
      };
      opened();
    });
  }
}

function begin() {
  const api = new SlowApi();
  const model = new Model();
  void new Live(api as unknown as Api, model, () => {}).run();
  return { api, model, names: () => [...model.services.values()].map((at) => at.instance).sort() };
}

const event = (name: string, value: object = {}) => ({ name, data: JSON.stringify(value) });

test("what leaves while the first list is on its way is not shown", async () => {
  const { api, names } = begin();
  await turn();
  api.tell(event("service-removed", one));
  api.tell(event("service-added", two));
  await api.give(one);
  expect(names()).toEqual(["two"]);
});

test("nor what leaves while the list is read again after a reload", async () => {
  const { api, names } = begin();
  await turn();
  await api.give(one);
  expect(names()).toEqual(["one"]);
  api.tell(event("reloaded"));
  api.tell(event("service-removed", one));
  api.tell(event("service-added", two));
  await api.give(one);
  expect(names()).toEqual(["two"]);
  // And a reload within a reload.
  api.tell(event("reloaded"));
  api.tell(event("reloaded"));
  api.tell(event("service-removed", two));
  await api.give(two);
  expect(api.waiting).toBe(1);
  await api.give();
  expect(names()).toEqual([]);
});

test("a list that cannot be read again ends the stream, and another begins with all of it", async () => {
  const { api, model } = begin();
  await turn();
  await api.give(one);
  api.tell(event("reloaded"));
  await api.fail();
  api.tell(event("summary", summary(2)));
  await turn();
  expect(model.connection.state).toBe("lost");
  await expect.poll(() => api.streams, { timeout: 5000 }).toBe(2);
});
