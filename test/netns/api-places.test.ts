// Where the HTTP listeners of the running daemon are: a place that the file names
// and that cannot be had keeps discd from starting, one that nobody named does not.

import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Child, until } from "./children.js";
import { Daemon } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("root", "ip", "curl", "ss", "unshare");

const zone = "floor1.example.com";
const links = `interfaces = { { name = 'net', subdomain = '${zone}' } }\n`;
const folder = mkdtempSync(join(tmpdir(), "discd-places-"));

let lab: Lab;
laboratory(
  async (built) => {
    lab = built;
  },
  () => new Lab("net: px 10.8.0.53/24 | cli 10.8.0.2/24", {}),
);

const open = () => lab.run("px", "ss -Hltn 'sport = :8053' | awk '{ print $4 }' | sort").trim();

const precious = join(folder, "precious");
writeFileSync(precious, "");

const unfit: readonly (readonly [listen: string, reason: string])[] = [
  ["'192.0.2.77:8053'", "this host has no such address; give it to an interface, or"],
  ["{ '127.0.0.1:8053', '[2001:db8::77]:8053' }", "this host has no such address; give it"],
  [`'${precious}'`, "something that is no socket is there; remove it, or choose another path"],
  [`'${folder}/no/such/socket'`, `the folder ${folder}/no/such is missing and cannot be made`],
];

for (const [listen, reason] of unfit) {
  it(`A1.20 http.listen = ${listen.replace(folder, "")} keeps discd from starting`, async () => {
    const http = `http = { token = '0123456789abcdef', listen = ${listen} }`;
    const daemon = lab.keep(Daemon.launch(lab.enter("px"), links + http));
    await daemon.child.ended;
    expect(daemon.child.exit).toEqual({ code: 1, signal: null });
    const said = daemon.log.filter((line) => line.startsWith("discd: "));
    expect(said.join("\n")).toContain(reason);
    expect(open()).toBe("");
  });
}

it("A1.20 a usual place that somebody else has is a warning, and taken once it is free", async () => {
  const listen = "require('net').createServer().listen(8053, '127.0.0.1', () => console.log(1))";
  const other = lab.keep(new Child([...lab.enter("px"), process.execPath, "-e", listen]));
  await other.says(/1/);
  const daemon = await lab.discd(links, { apex: zone });
  const warning = await until("a warning", () =>
    daemon.log.find((line) => line.includes("http-not-listening")),
  );
  expect(JSON.parse(warning)).toMatchObject({
    level: "warn",
    reason: expect.stringMatching(/^http\.listen 127\.0\.0\.1:8053: in use by node \(pid \d+\)/),
    remedy: expect.stringContaining("http = false"),
  });
  const status = "curl -s -o /dev/null -w '%{http_code}'";
  const socket = `--unix-socket ${daemon.socket} http://x/v1/summary`;
  expect(lab.run("px", `${status} ${socket}`)).toBe("200");
  await other.stop();
  daemon.child.kill("SIGHUP");
  await until("the place is taken", () => open() === "127.0.0.1:8053");
  expect(lab.run("px", `${status} http://127.0.0.1:8053/v1/summary`)).toBe("200");
  // And given up again.
  daemon.reload(`${links}http = false`);
  await until("nothing listens", () => open() === "" && !existsSync(daemon.socket));
  expect((await lab.dig(zone, "SOA")).status).toBe("NOERROR");
  daemon.reload(links);
  await until("it listens again", () => open() === "127.0.0.1:8053" && existsSync(daemon.socket));
  await daemon.stop();
});
