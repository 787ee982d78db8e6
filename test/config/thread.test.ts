// The thread for Lua where it cannot be started.

import { expect, test } from "vitest";
import { runInThread } from "../../src/config/lua-thread.js";
import { ms } from "../../src/time.js";

test("a thread that cannot be started is an outcome, not an exception", async () => {
  const job = { file: "discd.lua", text: new Uint8Array(), interfaces: [] };
  const bounds = { time: ms(1000), memory: 2 ** 26 };
  // What Node refuses at once, as it does where the system has no room for a thread.
  const nowhere = new URL("http://127.0.0.1/");
  const outcome = await runInThread(job as never, bounds, nowhere);
  expect(outcome).toMatchObject({
    kind: "failed",
    failure: { text: expect.stringMatching(/^the thread for Lua cannot be started: /) },
    files: ["discd.lua"],
  });
});
