// What a check comes to: a state, the diagnosis by its code, what was seen, what
// that means, and what to try next.

/** In this order a run is judged: the worst of its checks decides. */
export const states = ["PASS", "SKIP", "WARN", "FAIL"] as const;
export type State = (typeof states)[number];

export interface Verdict {
  readonly state: State;
  /** Of WARN and FAIL: which fault it is, for scripts and for the manual. */
  readonly code?: string;
  /** What was seen, a line each, as the command of the check would show it. */
  readonly evidence: readonly string[];
  /** What it means, in one sentence. */
  readonly decision: string;
  /** What to try next, a line each; some for every FAIL. */
  readonly remedy: readonly string[];
}

type Lines = readonly string[];

export const pass = (decision: string, evidence: Lines = []): Verdict => {
  return { state: "PASS", evidence, decision, remedy: [] };
};

/** It could not be looked at, or there was nothing to look at. */
export const skip = (decision: string, remedy: Lines = [], evidence: Lines = []): Verdict => {
  return { state: "SKIP", evidence, decision, remedy };
};

export const warn = (
  code: string,
  decision: string,
  remedy: Lines,
  evidence: Lines = [],
): Verdict => {
  return { state: "WARN", code, evidence, decision, remedy };
};

export const fail = (
  code: string,
  decision: string,
  remedy: Lines,
  evidence: Lines = [],
): Verdict => {
  return { state: "FAIL", code, evidence, decision, remedy };
};
