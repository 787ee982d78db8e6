// A keyed hash for engines under test: the same key each time, so that a story
// and a seed repeat to the byte.

import { createHmac } from "node:crypto";
import type { Mac } from "../../src/llq/setup.js";

export const storyMac: Mac = (bytes) => createHmac("sha256", "a key").update(bytes).digest();
