// Refused clients in the log: each once in ten minutes, and never a flood.

import { describe, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { RefusedClients } from "../../src/query/refused-clients.js";
import { instant } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";

class Stage {
  readonly lines: string[] = [];
  readonly counts = new Counts();
  readonly refused = new RefusedClients(
    {
      event: (level, name, fields) => this.lines.push(`${level} ${name} ${JSON.stringify(fields)}`),
    },
    this.counts,
  );

  /** @returns how many lines that makes in all */
  note(atSeconds: number, client: string, name = "prnt.lab.example.com"): number {
    this.refused.note(instant(atSeconds * 1000), client, parseName(name));
    return this.lines.length;
  }
}

describe("a refused client [DP-124]", () => {
  test("is named with what it asked for", () => {
    const stage = new Stage();
    stage.note(0, "192.0.2.66", "Dr\\.\\032Smith.lab.example.com");
    stage.refused.note(instant(0), "fe80::1%eth0", undefined);
    expect(stage.lines).toEqual([
      'info refused {"client":"192.0.2.66","name":"Dr\\\\. Smith.lab.example.com"}',
      'info refused {"client":"fe80::1%eth0"}',
    ]);
  });

  test("once in ten minutes, whatever it asks for", () => {
    const stage = new Stage();
    expect(stage.note(0, "192.0.2.66")).toBe(1);
    expect(stage.note(0, "192.0.2.66", "other.lab.example.com")).toBe(1);
    expect(stage.note(599.9, "192.0.2.66")).toBe(1);
    expect(stage.note(599.9, "192.0.2.67")).toBe(2);
    expect(stage.note(600, "192.0.2.66")).toBe(3);
  });

  test("twenty lines a minute at most; who was left out is named later", () => {
    const stage = new Stage();
    for (let n = 0; n < 100; n++) stage.note(10, `192.0.2.${n}`);
    expect(stage.lines).toHaveLength(20);
    expect(stage.counts.of("limits", "refused-lines")).toBe(80);
    expect(stage.note(69.9, "192.0.2.99")).toBe(20);
    expect(stage.note(70, "192.0.2.99")).toBe(21);
    expect(stage.note(70, "192.0.2.0")).toBe(21);
  });

  test("is forgotten in its turn: memory is bounded", () => {
    const stage = new Stage();
    // One address each 3 s for two hours: 200 of them are within ten minutes.
    for (let n = 0; n < 2400; n++) stage.note(3 * n, `2001:db8::${n.toString(16)}`);
    expect(stage.lines).toHaveLength(2400);
    expect(stage.refused.size).toBe(200);
  });
});
