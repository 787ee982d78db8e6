// What to do first with a question (RFC 8766 §5.6), by who asks and whether
// the link already knows. The five cases of the RFC are this table; the wait,
// and the short gathering of browse answers (Q-3), are the consumers'.

/** Who asks. */
export type Asker = "query" | "llq" | "push";

export interface FirstStep {
  readonly reply: "now" | "first-answer-or-wait" | "acknowledge";
  /** Whether the question is put to the link. */
  readonly ask: boolean;
}

/** DP-79, DP-84 and DP-89 to DP-92. */
export const firstStep: {
  readonly [asker in Asker]: { readonly known: FirstStep; readonly unknown: FirstStep };
} = {
  query: {
    known: { reply: "now", ask: false },
    unknown: { reply: "first-answer-or-wait", ask: true },
  },
  llq: {
    known: { reply: "now", ask: true },
    unknown: { reply: "first-answer-or-wait", ask: true },
  },
  push: {
    known: { reply: "now", ask: true },
    unknown: { reply: "acknowledge", ask: true },
  },
};
