// One check of the doctor: gathering, which looks at the system and the network,
// and judging, which is a pure function of what was gathered.

import type { Scene } from "./scene.js";
import { skip, type Verdict } from "./verdict.js";

/** What the commands of the manual are about; capitals stand for what is not known. */
export interface Target {
  readonly zone: string;
  /** discd, without its port. */
  readonly server: string;
  readonly interface: string;
}

/** What earlier stages came to, by the id of the check. */
export type Known = ReadonlyMap<string, Verdict>;

/** `E` is what is gathered. */
export interface CheckParts<E> {
  /** As it stands in front of PASS, WARN, FAIL or SKIP: lower case and hyphens. */
  readonly id: string;
  /** The question that it answers, in one line, for the manual. */
  readonly title: string;
  /** Every code that `judge` can give, and what it means. */
  readonly codes: Readonly<Record<string, string>>;
  /** Milliseconds after which gathering is given up: the check is skipped then. */
  readonly limit: number;
  /** What a person would type to see the same. */
  commands(target: Target): readonly string[];
  gather(scene: Scene): Promise<E>;
  judge(evidence: E, known: Known): Verdict;
}

/** A check whose evidence is nobody's business but its own. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly codes: Readonly<Record<string, string>>;
  readonly limit: number;
  commands(target: Target): readonly string[];
  run(scene: Scene, known: Known): Promise<Verdict>;
}

export interface Stage {
  readonly id: string;
  /** The question of the playbook, in one line. */
  readonly title: string;
  /** Run side by side. */
  readonly checks: readonly Check[];
}

export function check<E>(parts: CheckParts<E>): Check {
  const { id, title, codes, limit } = parts;
  return {
    id,
    title,
    codes,
    limit,
    commands: (target) => parts.commands(target),
    run: async (scene, known) => {
      const found = await within(limit, parts.gather(scene));
      if (found === undefined) return skip(`nothing was found out within ${limit / 1000} s`);
      return parts.judge(found.value, known);
    },
  };
}

/** @returns undefined when time is up before */
async function within<T>(limit: number, work: Promise<T>): Promise<{ value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limit);
  });
  try {
    return await Promise.race([work.then((value) => ({ value })), end]);
  } finally {
    clearTimeout(timer);
  }
}
