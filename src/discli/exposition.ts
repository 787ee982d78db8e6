// Reads a page of metrics (Prometheus's text format 0.0.4), as far as discd writes it.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of each metric. */
export class Exposition {
  readonly #samples = new Map<string, Sample[]>();

  /** Lines that are no samples are passed over. */
  constructor(text: string) {
    for (const line of text.split("\n")) {
      const [, name, labels, value] = sampleLine.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      const list = this.#samples.get(name) ?? [];
      list.push({ labels: labelsOf(labels ?? ""), value: Number(value) });
      this.#samples.set(name, list);
    }
  }

  of(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** All samples with these labels together; undefined where there is none. */
  sum(name: string, labels: Sample["labels"] = {}): number | undefined {
    const found = this.of(name).filter((one) =>
      Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    );
    return found.length === 0 ? undefined : found.reduce((all, one) => all + one.value, 0);
  }
}

const sampleLine = /^([a-z_]\w*)(?:\{(.*)\})? (-?[\d.eE+-]+|NaN|[+-]Inf)$/i;
const label = /([a-z_]\w*)="((?:[^"\\]|\\.)*)"/gi;

function labelsOf(text: string): Sample["labels"] {
  const found = [...text.matchAll(label)].map(([, key = "", value = ""]) => [
    key,
    value.replace(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one)),
  ]);
  return Object.fromEntries(found);
}
