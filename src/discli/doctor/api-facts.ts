// What discd says of itself, where its API can be reached: on its own host, or
// where `--api` leads.

import { Api, type Body } from "../api.js";
import { Failure } from "../command.js";
import type { Scene } from "./scene.js";

export interface ApiFacts {
  readonly place: string;
  readonly health: Body<"/healthz">;
  readonly updates: Body<"/v1/updates">["updates"];
  readonly services: Body<"/v1/services">["services"];
}

/** Or why nothing was told. */
export type Told = ApiFacts | { readonly reason: string };

/** Milliseconds for each answer. */
const patience = 2500;

/** Once a run. */
export function apiFacts(scene: Scene): Promise<Told> {
  return scene.once("api", async () => {
    const { api: text } = scene.parts;
    try {
      const api = new Api({ api: text, timeout: patience, options: { ca: undefined, pin: [] } });
      const asked = await api.ask("GET", "/healthz");
      // 503 is an answer like any other: it says what fails.
      if (![200, 503].includes(asked.status)) throw api.refusal(asked);
      const [{ updates }, { services }] = await Promise.all([
        api.get("/v1/updates"),
        api.get("/v1/services"),
      ]);
      return { place: api.place.text, health: api.read("/healthz", asked), updates, services };
    } catch (error) {
      if (error instanceof Failure) return { reason: error.message };
      throw error;
    }
  });
}
