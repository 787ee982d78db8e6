// What a checker throws when the world breaks a rule. The world adds the seed,
// the step, the time, the last packets and how to replay it.

export class Violation extends Error {
  override readonly name = "Violation";
}

export function demand(condition: boolean, claim: () => string): asserts condition {
  if (!condition) throw new Violation(claim());
}
