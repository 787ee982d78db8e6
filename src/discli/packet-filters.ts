// Keys of `show packets KEY=VALUE`.

import { packetShape } from "../api/shapes.js";

export const packetFilters = {
  if: {},
  link: {},
  name: {},
  type: {},
  direction: { words: packetShape.fields.direction.words },
  source: {},
} as const;
