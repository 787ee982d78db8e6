// HTTP by curl, on the host itself and from another one: what is free where, what
// needs the token, and what pages and names of others get.

import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { connectionsPerClientMax } from "../../src/os/http-limits.js";
import { Child, until } from "./children.js";
import { top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("root", "ip", "curl");

const drawing = "net: px 10.8.0.53/24 2001:db8:8::53/64 | cli 10.8.0.2/24 2001:db8:8::2/64";

const path = join(mkdtempSync(join(tmpdir(), "discd-http-")), "http");
const here = "http://127.0.0.1:8053";
const there = "http://10.8.0.53:8053";
const token = "-H 'Authorization: Bearer s3cret'";

let lab: Lab;
let server: Child;
let pid = 0;

laboratory(
  async (built) => {
    lab = built;
    const places = ["127.0.0.1:8053", "10.8.0.53:8053", "[2001:db8:8::53]:8053", path];
    const program = [
      join(top, "scripts/run.mjs"),
      "test/netns/http-server.ts",
      "s3cret",
      ...places,
    ];
    server = lab.keep(new Child([...lab.enter("px"), process.execPath, ...program]));
    pid = Number((await server.says(/^listening /)).split(" ")[1]);
  },
  () => new Lab(drawing, {}),
);

/** The status of a request by curl, 0 for none. */
function status(node: string, words: string): number {
  const quiet = "curl -s -o /dev/null -m 20 -w '%{http_code}' --noproxy '*'";
  return Number(lab.run(node, `${quiet} ${words} || true`));
}

it("on the host itself reading is free, writing needs the token", () => {
  expect(status("px", `${here}/v1/summary`)).toBe(200);
  expect(status("px", `-X POST ${here}/v1/reload`)).toBe(401);
  expect(status("px", `-X POST ${token} ${here}/v1/reload`)).toBe(200);
});

it("by the Unix socket both are free", () => {
  expect(status("px", `--unix-socket ${path} http://localhost/v1/summary`)).toBe(200);
  expect(status("px", `--unix-socket ${path} -X POST http://localhost/v1/refresh`)).toBe(202);
});

it("a browser that a tunnel leads to the Unix socket obeys no page of others", () => {
  const post = (words: string) =>
    status("px", `--unix-socket ${path} ${words} -X POST http://localhost:9000/v1/refresh`);
  expect(post("-H 'Host: evil.example:9000'")).toBe(421);
  expect(post("-H 'Origin: http://evil.example'")).toBe(403);
  expect(post("-H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: no-cors'")).toBe(403);
  expect(post("-H 'Origin: http://localhost:9000'")).toBe(202);
});

it("elsewhere everything but the page needs the token", () => {
  for (const url of [there, "http://[2001:db8:8::53]:8053"]) {
    expect(status("cli", `'${url}/v1/summary' -g`)).toBe(401);
    expect(status("cli", `'${url}/healthz' -g`)).toBe(401);
    expect(status("cli", `'${url}/metrics' -g`)).toBe(401);
    expect(status("cli", `${token} '${url}/v1/summary' -g`)).toBe(200);
    expect(status("cli", `${token} -X POST '${url}/v1/reload' -g`)).toBe(200);
    expect(status("cli", `-H 'Authorization: Bearer s3cre' '${url}/v1/summary' -g`)).toBe(401);
  }
  // The host's own address is no loopback address.
  expect(status("px", `${there}/v1/summary`)).toBe(401);
});

it("names that were made to point here, and pages of others, get nothing", () => {
  const rebound = "--resolve evil.example:8053:127.0.0.1 http://evil.example:8053/v1/summary";
  expect(status("px", rebound)).toBe(421);
  const ours = "--resolve px.example.com:8053:127.0.0.1 http://px.example.com:8053/v1/summary";
  expect(status("px", ours)).toBe(200);
  expect(status("px", `-H 'Origin: http://evil.example' ${here}/v1/summary`)).toBe(403);
  expect(status("px", `-H 'Origin: ${here}' ${here}/v1/summary`)).toBe(200);
  expect(status("px", `-X OPTIONS -H 'Origin: http://evil.example' ${here}/v1/summary`)).toBe(403);
  const fetched = "-H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: no-cors'";
  expect(status("px", `${fetched} ${here}/v1/summary`)).toBe(403);
});

it("what is too large is refused", () => {
  const large = "$(head -c 20000 /dev/zero | tr '\\0' a)";
  expect(status("px", `-H "X: ${large}" ${here}/v1/summary`)).toBe(431);
  expect(status("px", `${here}/v1/services?zone=${"a".repeat(3000)}`)).toBe(414);
  expect(status("px", `${token} -d "${large}" ${here}/v1/reload`)).toBe(413);
});

it("one host elsewhere has a share of the connections, and leaves room for others", async () => {
  const more = connectionsPerClientMax + 10;
  const hold = `for i in $(seq ${more}); do curl -sN -m 4 -o /dev/null ${token} ${there}/v1/events & done; wait`;
  const held = new Child([...lab.enter("cli"), "sh", "-c", hold]);
  const count = (line: string) => {
    const page = lab.run("px", `curl -s ${here}/metrics`);
    return Number(
      page
        .split("\n")
        .find((one) => one.startsWith(line))
        ?.split(" ")[1] ?? 0,
    );
  };
  const limited = 'discd_limits_total{limit="http-connections-per-client"}';
  await until("the share is used up", () => count(limited) >= 10);
  expect(status("cli", `${token} ${there}/v1/summary`)).toBe(0);
  expect(status("px", `${here}/v1/summary`)).toBe(200);
  await held.ended;
  expect(status("cli", `${token} ${there}/v1/summary`)).toBe(200);
});

it("a thousand streams of events cost little, and are forgotten", async () => {
  const memory = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
  const before = memory();
  const hold = `for i in $(seq 20); do curl -sN -m 6 -o /dev/null --parallel --parallel-immediate --parallel-max 50 $(for j in $(seq 50); do echo ${here}/v1/events; done) & done; wait`;
  const held = new Child([...lab.enter("px"), "sh", "-c", hold]);
  const page = () => lab.run("px", `curl -s --unix-socket ${path} http://localhost/metrics`);
  await until("streams are turned away", () => /limit="http-followers"/.test(page()), 15_000);
  expect(memory() - before).toBeLessThan(60e6);
  await held.ended;
  expect(status("px", `${here}/v1/summary`)).toBe(200);
  expect(status("px", `-m 1 ${here}/v1/events`)).toBe(200);
}, 60_000);
