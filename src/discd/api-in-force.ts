// The HTTP API as the configuration wants it: there or not, and where. It is opened
// and closed as reloads say, and what could not be opened is tried again.

import type { HttpWish } from "../config/http.js";
import type { Onlooker } from "../os/driver.js";
import type { OpenHttp } from "../os/http.js";
import { ApiDesk, type ApiDeskParts, type ApiSettings } from "./api-desk.js";

/** What the configuration says, and what goes with it. */
export interface ApiWish extends Pick<ApiSettings, "credentials" | "names"> {
  readonly http: false | HttpWish;
}

export class ApiInForce {
  readonly #parts: ApiDeskParts;
  readonly #watched: (onlooker: Onlooker | undefined) => void;
  #desk: ApiDesk | undefined;
  #wish: ApiWish | undefined;
  #faults: readonly string[] = [];

  /** @param watched  called with who looks on from now on */
  constructor(parts: ApiDeskParts, watched: (onlooker: Onlooker | undefined) => void) {
    this.#parts = parts;
    this.#watched = watched;
  }

  /** What is wanted and could not be opened, a line each with cause and remedy. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** The listeners that are open. */
  get open(): readonly OpenHttp[] {
    return this.#desk?.open ?? [];
  }

  /** Takes another configuration into use. @returns as `faults` */
  async follow(wish: ApiWish): Promise<readonly string[]> {
    this.#wish = wish;
    await this.#follow();
    this.#desk?.look();
    return this.#faults;
  }

  /** After a look at the interfaces: what failed before may be possible now. */
  async look(): Promise<void> {
    if (this.#faults.length > 0) await this.#follow();
    this.#desk?.look();
  }

  /** Those who follow fetch everything anew. */
  reloaded(): void {
    this.#desk?.reloaded();
  }

  stop(): void {
    this.#watched(undefined);
    this.#desk?.stop();
    this.#desk = undefined;
  }

  async #follow(): Promise<void> {
    const { http, credentials, names } = this.#wish ?? { http: false };
    if (http === false) {
      this.#faults = [];
      this.#watched(undefined);
      // Whoever has asked for this is still to be answered.
      this.#desk?.retire();
      this.#desk = undefined;
      return;
    }
    if (this.#desk === undefined) {
      this.#desk = new ApiDesk(this.#parts);
      this.#watched(this.#desk);
    }
    const { listen, token, isTls, isDefault } = http;
    this.#faults = await this.#desk.follow({
      listen,
      names: names ?? new Set(),
      needsTls: isTls,
      isDefault,
      ...(token === undefined ? {} : { token }),
      ...(isTls && credentials !== undefined ? { credentials } : {}),
    });
  }
}
