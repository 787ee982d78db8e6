// The known word nearest to a mistyped one: the fewest letters added, left out,
// changed or swapped with their neighbour (Damerau and Levenshtein). A word cut
// short (`cert`) is one step away, however much of it is missing.

/** Words longer than this are cut: no key is longer, and the work grows with the square. */
const lengthMax = 64;

/** Shorter beginnings are like too many words. */
const beginningLeast = 3;

/** @returns undefined only when there is nothing to choose from */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestSteps = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const steps = isBeginningOf(word, candidate) ? 1 : stepsBetween(word, candidate);
    if (steps < bestSteps) {
      best = candidate;
      bestSteps = steps;
    }
  }
  return best;
}

function isBeginningOf(word: string, known: string): boolean {
  return word.length >= beginningLeast && known.toLowerCase().startsWith(word.toLowerCase());
}

/** How many such steps lead from one word to the other; case does not count. */
export function stepsBetween(one: string, other: string): number {
  const a = one.slice(0, lengthMax).toLowerCase();
  const b = other.slice(0, lengthMax).toLowerCase();
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const steps = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let least = Math.min(
        at(rows, row - 1, column) + 1,
        (steps[column - 1] as number) + 1,
        at(rows, row - 1, column - 1) + (isSame ? 0 : 1),
      );
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && isSwapped) {
        least = Math.min(least, at(rows, row - 2, column - 2) + 1);
      }
      steps.push(least);
    }
    rows.push(steps);
  }
  return at(rows, a.length, b.length);
}

function at(rows: readonly (readonly number[])[], row: number, column: number): number {
  return rows[row]?.[column] as number;
}
