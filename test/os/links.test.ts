// The poll of the interfaces, with facts as the test says.

import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { PresentInterface } from "../../src/os/interfaces.js";
import { InterfaceWatch } from "../../src/os/links.js";
import type { InterfaceFacts } from "../../src/os/native.js";

vi.mock("node:child_process", { spy: true });

let watch: InterfaceWatch | undefined;
afterEach(() => watch?.stop());

interface Heard {
  looks: { present: readonly PresentInterface[]; isChanged: boolean }[];
  failures: string[];
}

function started(find: (name: string) => InterfaceFacts | undefined): Heard {
  const heard: Heard = { looks: [], failures: [] };
  watch = new InterfaceWatch(find);
  watch.start({
    polled: (present, isChanged) => heard.looks.push({ present, isChanged }),
    failed: (reason) => heard.failures.push(reason),
  });
  return heard;
}

test("each look is told, and whether anything changed", () => {
  let facts: InterfaceFacts | undefined = { index: 1, mtu: 65_536, flags: 0x49 };
  const heard = started((name) => (name === "lo" ? facts : undefined));
  watch!.look();
  facts = { index: 1, mtu: 1500, flags: 0x49 };
  watch!.look();
  watch!.look();
  facts = undefined;
  watch!.look();
  expect(heard.looks.map(({ isChanged }) => isChanged)).toEqual([false, true, false, true]);
  expect(heard.looks.map(({ present }) => present.map(({ mtu }) => mtu))).toEqual([
    [65_536],
    [1500],
    [1500],
    [],
  ]);
});

test("a look that fails changes nothing, and is told", () => {
  let isBroken = false;
  const heard = started((name) => {
    if (isBroken) throw new Error("EMFILE");
    return name === "lo" ? { index: 1, mtu: 65_536, flags: 0x49 } : undefined;
  });
  isBroken = true;
  watch!.look();
  // A shortage lasts; it is told once.
  watch!.look();
  expect(heard).toEqual({ looks: [], failures: ["EMFILE"] });
  expect(watch!.present).toHaveLength(1);
  isBroken = false;
  watch!.look();
  isBroken = true;
  watch!.look();
  expect(heard.looks).toHaveLength(1);
  expect(heard.failures).toHaveLength(2);
});

test("too many open files are called that, with the remedy", () => {
  let isBroken = false;
  const heard = started(() => {
    if (isBroken) throw Object.assign(new Error("Unknown system error 24"), { errno: 24 });
    return undefined;
  });
  isBroken = true;
  watch!.look();
  expect(heard.failures).toEqual([expect.stringMatching(/^too many open files; .*LimitNOFILE/)]);
});

describe("where no process can be started", () => {
  const ways: readonly (readonly [string, () => ChildProcess])[] = [
    [
      "an exception",
      () => {
        throw new Error("spawn ENOMEM");
      },
    ],
    [
      "an error later, and no pipe",
      () => {
        const child = new EventEmitter();
        process.nextTick(() => child.emit("error", new Error("spawn EMFILE")));
        return Object.assign(child, { unref() {}, kill() {} }) as unknown as ChildProcess;
      },
    ],
  ];
  test.each(ways)("%s: the poll alone does it", async (_, way) => {
    vi.mocked(spawn).mockImplementationOnce(way);
    const heard = started(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 10));
    watch!.look();
    expect(heard.looks).toHaveLength(1);
  });
});

test("stopped, it tells nothing any more", () => {
  const heard = started(() => undefined);
  watch!.stop();
  watch!.look();
  expect(heard.looks).toEqual([]);
});
