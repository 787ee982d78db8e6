// The order of a run, where it ends, and what it says at the end.

import { expect, test } from "vitest";
import { check, type Stage } from "../../../src/discli/doctor/check.js";
import { bounded, renderFinding, renderSummary } from "../../../src/discli/doctor/report.js";
import { runPlaybook, statusOf } from "../../../src/discli/doctor/run.js";
import { Scene } from "../../../src/discli/doctor/scene.js";
import { fail, pass, skip, type Verdict, warn } from "../../../src/discli/doctor/verdict.js";

const scene = new Scene({
  zone: undefined,
  servers: [],
  serversFrom: "nowhere",
  resolver: { servers: [], search: [], complaints: [] },
});

function one(id: string, verdict: Verdict | Error, wait = 0) {
  return check({
    id,
    title: "?",
    codes: {},
    limit: 100,
    commands: () => [],
    gather: () => new Promise((resolve) => setTimeout(resolve, wait)),
    judge: () => {
      if (verdict instanceof Error) throw verdict;
      return verdict;
    },
  });
}

const stage = (id: string, ...checks: Stage["checks"][number][]): Stage => {
  return { id, title: "?", checks };
};

const good = pass("it is well");
const bad = fail("BROKEN", "it is not", ["mend it"]);

const states = async (playbook: readonly Stage[], isWhole = false) => {
  const outcome = await runPlaybook(playbook, scene, { isWhole });
  return [outcome.findings.map(({ id, verdict }) => `${id} ${verdict.state}`), outcome.left];
};

test("A8 a run ends with the first stage that fails; --all goes on", async () => {
  const playbook = [
    stage("a", one("a1", good)),
    stage("b", one("b1", bad), one("b2", good, 20)),
    stage("c", one("c1", good)),
  ];
  expect(await states(playbook)).toEqual([["a1 PASS", "b1 FAIL", "b2 PASS"], ["c"]]);
  expect(await states(playbook, true)).toEqual([["a1 PASS", "b1 FAIL", "b2 PASS", "c1 PASS"], []]);
});

test("A8 a warning ends nothing", async () => {
  const playbook = [stage("a", one("a1", warn("ODD", "hm", []))), stage("b", one("b1", good))];
  expect(await states(playbook)).toEqual([["a1 WARN", "b1 PASS"], []]);
});

test("a check that takes too long, or that fails itself, is skipped and says so", async () => {
  const playbook = [stage("a", one("a1", good, 400), one("a2", new Error("no /proc")))];
  const { findings } = await runPlaybook(playbook, scene, { isWhole: false });
  expect(findings.map(({ verdict }) => verdict)).toMatchObject([
    { state: "SKIP", decision: "nothing was found out within 0.1 s" },
    { state: "SKIP", decision: "could not be looked at: no /proc" },
  ]);
});

test("a bug is no finding", async () => {
  const playbook = [stage("a", one("a1", new TypeError("x is undefined")))];
  await expect(runPlaybook(playbook, scene, { isWhole: false })).rejects.toThrow("x is undefined");
});

test("A8 exit status: 0 pass, 1 warn, 2 fail, 3 not tested", async () => {
  const status = async (...verdicts: [string, Verdict][]) => {
    const playbook = [stage("a", ...verdicts.map(([id, verdict]) => one(id, verdict)))];
    return statusOf(await runPlaybook(playbook, scene, { isWhole: false }));
  };
  const odd = warn("ODD", "hm", []);
  const unseen = skip("no zone");
  expect(await status(["a", good], ["direct", good])).toBe(0);
  expect(await status(["a", good], ["b", unseen])).toBe(0);
  expect(await status(["a", good], ["b", odd])).toBe(1);
  expect(await status(["a", odd], ["b", bad])).toBe(2);
  expect(await status(["direct", unseen], ["b", bad])).toBe(2);
  expect(await status(["a", good], ["direct", unseen])).toBe(3);
  expect(await status(["a", unseen])).toBe(3);
});

test("what several checks want to know is found out once", async () => {
  let times = 0;
  const find = async () => {
    times += 1;
    return times;
  };
  expect(await Promise.all([scene.once("x", find), scene.once("x", find)])).toEqual([1, 1]);
});

test("A8 lines: the id, then the state; what comes from the network is harmless", () => {
  const verdict = fail("BROKEN", "\u001b[31mred\r\nPASS\u202e", ["try\u0007"], ["x".repeat(1000)]);
  const text = renderFinding({ stage: "a", id: "direct", verdict, took: 1 });
  const lines = text.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^direct +FAIL {2}BROKEN: \\x1b\[31mred\\x0d\\x0aPASS\\xe2\\x80\\xae$/);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  expect(lines[1]?.length).toBeLessThan(420);
  expect(bounded("Büro ☕")).toBe("Büro ☕");
});

test("the last line names the faults and what was not looked at", () => {
  const finding = { stage: "a", id: "direct", verdict: bad, took: 1 };
  expect(renderSummary({ findings: [finding], left: ["system"] })).toBe(
    "direct BROKEN; not looked at (--all): system\n",
  );
  expect(renderSummary({ findings: [{ ...finding, verdict: good }], left: [] })).toBe(
    "no fault found\n",
  );
  const unseen = { ...finding, verdict: skip("no zone") };
  const other = { ...finding, id: "a", verdict: good };
  expect(renderSummary({ findings: [unseen, other], left: [] })).toBe(
    "could not be tested: direct\n",
  );
  expect(renderSummary({ findings: [{ ...unseen, id: "a" }], left: [] })).toBe(
    "could not be tested: everything\n",
  );
});
