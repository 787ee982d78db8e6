// Our own faults. A failed assertion is a bug in discd, never the fault of a
// peer or of the operating system; it ends the process with status 70.

/** Thrown when the program contradicts itself. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionError(claim);
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
