// Chance from the kernel. Read in blocks: a message ID is asked for with every
// query, and one call for four bytes costs more than a block shared by many.

import { randomFillSync } from "node:crypto";
import type { Random } from "../random.js";

const blockSize = 1024;

/** Unpredictable numbers, fit for message IDs and delays alike. */
export function systemRandom(): Random {
  const block = new Uint32Array(blockSize);
  let used = blockSize;
  return {
    uint32(): number {
      if (used === blockSize) {
        randomFillSync(block);
        used = 0;
      }
      return block[used++] as number;
    },
  };
}
