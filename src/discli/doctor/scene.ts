// What every check may look at: whom and what it is about, and what others have
// found out already.

import type { ResolverFile, Server } from "../../os/resolv-conf.js";
import type { Name } from "../../wire/name.js";
import type { SitePolicy } from "../policy.js";

export interface SceneParts {
  /** Absent where nobody named one and none was found. */
  readonly zone: Name | undefined;
  /** Where discd answers for it, as far as known: addresses of both families. */
  readonly servers: readonly Server[];
  /** How they are known, for people. */
  readonly serversFrom: string;
  /** Of this system. */
  readonly resolver: ResolverFile;
  /** `--expect-if`. */
  readonly expectedInterface?: string;
  /** `--policy`. */
  readonly site?: SitePolicy;
  /** `--api`; absent: the usual places. */
  readonly api?: string;
}

export class Scene {
  readonly parts: SceneParts;
  readonly #found = new Map<string, Promise<unknown>>();

  constructor(parts: SceneParts) {
    this.parts = parts;
  }

  /** What several checks want to know is found out once, by whoever is first. */
  once<T>(key: string, find: () => Promise<T>): Promise<T> {
    const known = this.#found.get(key);
    if (known !== undefined) return known as Promise<T>;
    const found = find();
    this.#found.set(key, found);
    return found;
  }
}
