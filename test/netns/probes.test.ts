// Probes through the sockets of links: they arrive, on the right link even where two
// have the same addresses, and nobody on the link hears them.

import { join } from "node:path";
import { expect } from "vitest";
import type { Probe } from "../../src/api/health.js";
import { Child, until } from "./children.js";
import { top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("root", "ip", "tcpdump", "avahi-daemon");

const drawing = `
  net1: px 10.1.0.1/24 2001:db8:1::1/64 | dev1 10.1.0.3/24 2001:db8:1::3/64
  net2: px 10.1.0.1/24 2001:db8:1::1/64 | dev2 10.1.0.3/24 2001:db8:1::3/64
`;

let lab: Lab;
let server: Child;

laboratory(
  async (built) => {
    lab = built;
    server = start();
  },
  () => new Lab(drawing, {}),
);

function start(): Child {
  const program = [join(top, "scripts/run.mjs"), "test/netns/probe-server.ts", "net1", "net2"];
  return lab.keep(new Child([...lab.enter("px"), process.execPath, ...program]));
}

/** What the latest round says. */
function latest(): { others: number; states: readonly Probe[] } | undefined {
  const line = server.stdoutLines.at(-1);
  return line === undefined || line.startsWith("pid") ? undefined : JSON.parse(line);
}

const isFresh = ({ answeredSecondsAgo, reason }: Probe) =>
  reason === undefined && answeredSecondsAgo !== null && answeredSecondsAgo < 1;

async function expectQuiet(): Promise<void> {
  const ears = [await lab.capture("net1"), await lab.capture("net2")];
  await until(
    "both answer",
    () => latest()?.states.length === 2 && latest()?.states.every(isFresh),
  );
  const rounds = server.stdoutLines.length;
  await until("some more rounds", () => server.stdoutLines.length > rounds + 4);
  expect(
    latest()
      ?.states.map(({ name }) => name)
      .sort(),
  ).toEqual(["net1", "net2"]);
  expect(latest()?.states.every(isFresh)).toBe(true);
  for (const ear of ears) {
    const probes = ear.frames.filter(({ message }) =>
      message?.questions.some(({ name }) => /_discd/.test(name)),
    );
    expect(probes).toEqual([]);
    await ear.stop();
  }
}

it("every link answers itself, and the link hears nothing of it", async () => {
  await expectQuiet();
  // No probe was taken for a datagram of somebody else: each link heard its own alone.
  expect(latest()?.others).toBe(0);
});

it("nor does a reflector on the same host repeat it to other links", async () => {
  const reflector = await lab.avahi("px", { host: "px", services: [], reflects: true });
  await expectQuiet();
  await reflector.stop();
});

it("a socket that hears no more is found out, and the other link is not to blame", async () => {
  process.kill(Number((await server.says(/^pid /)).slice(4)), "SIGUSR2");
  const stateOf = (name: string) => latest()?.states.find((one) => one.name === name);
  await until("net1 is silent", () => (stateOf("net1")?.answeredSecondsAgo ?? 0) > 1.5);
  expect(isFresh(stateOf("net2") as Probe)).toBe(true);
});

it("an interface that is gone says so at once", async () => {
  lab.run("px", "ip link del net2");
  const stateOf = () => latest()?.states.find((one) => one.name === "net2");
  await until("net2 has a reason", () => stateOf()?.reason !== undefined);
  expect(stateOf()?.reason).toMatch(/^E[A-Z]+$/);
});
