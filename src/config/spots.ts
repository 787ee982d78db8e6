// Places in configuration files, small enough to be kept for every key of every
// table: one number holds the file and the line.

declare const spotBrand: unique symbol;

/** A line of one of the files read. */
export type Spot = number & { readonly [spotBrand]: true };

const lineBits = 0x100000;

export const spotAt = (file: number, line: number): Spot =>
  (file * lineBits + Math.min(Math.max(line, 1), lineBits - 1)) as Spot;

/** Index into the list of files read. */
export const fileOf = (spot: Spot): number => Math.floor(spot / lineBits);

export const lineOf = (spot: Spot): number => spot % lineBits;

/** The top of the first file: for what has no place of its own. */
export const firstSpot: Spot = spotAt(0, 1);
