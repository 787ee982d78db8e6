// How many columns of a terminal a text takes: none for what joins or marks the
// character before it, two for East Asian wide characters and emoji (UAX #11, and
// UAX #29 for what is one character to its reader).

/** Wide and Fullwidth in EastAsianWidth.txt of Unicode 16, less the emoji; gaps are unassigned. */
const wide = new RegExp(
  `^[${[
    "\\u1100-\\u115f\\u2329\\u232a\\u2630-\\u2637\\u268a-\\u268f\\u2e80-\\u303e\\u3041-\\ua4cf",
    "\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19\\ufe30-\\ufe6f\\uff01-\\uff60\\uffe0-\\uffe6",
    "\\u{16fe0}-\\u{18dff}\\u{1aff0}-\\u{1b2fb}\\u{1d300}-\\u{1d376}\\u{1f200}-\\u{1f265}",
    "\\u{20000}-\\u{3fffd}",
  ].join("")}]`,
  "u",
);
/** Shown as a picture without being asked to, or made one by U+FE0F or a skin colour. */
const picture = /^\p{Emoji_Presentation}|^\p{Emoji}.*[\ufe0f\u{1f3fb}-\u{1f3ff}]/su;
/** Half a column's voicing marks, which have one of their own. */
const halfMarks = /(?<=.)[\uff9e\uff9f]/gsu;
/** Nothing but marks, joiners and their like. */
const unseen = /^[\p{Mn}\p{Me}\p{Cf}\u115f-\u11ff]+$/u;
const plain = /^[\x20-\x7e]*$/;

const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Columns of one character as its reader sees it. */
function widthOfCluster(cluster: string): number {
  if (unseen.test(cluster) && !wide.test(cluster)) return 0;
  const base = wide.test(cluster) || picture.test(cluster) ? 2 : 1;
  return base + (cluster.match(halfMarks)?.length ?? 0);
}

/** Columns of a text that holds no control characters. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOfCluster(segment);
  return width;
}

/** As much of a text as fits into `room` columns, with an ellipsis where it was cut. */
export function cut(text: string, room: number): string {
  if (text.length <= room && plain.test(text)) return text;
  let width = 0;
  let end = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    width += widthOfCluster(segment);
    if (width > room) return `${text.slice(0, end)}…`;
    // The ellipsis needs a column itself.
    if (width <= room - 1) end = index + segment.length;
  }
  return text;
}
