// The HTTP API across reloads: it moves, goes and comes back, says what became of each,
// and what a place that is taken leads to.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { mismatch } from "../../src/api/shape.js";
import { refusedReloadShape, reloadShape } from "../../src/api/shapes.js";
import { ask, curl, EventReader, local, read } from "./api-stage.js";
import { Authority } from "./authority.js";
import { Child, until } from "./children.js";
import { Daemon, discd, reconfigure } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("root", "ip", "curl", "openssl");

const zones = "zones = { 'mesh.example.com' }\n";

let lab: Lab;

laboratory(
  async (built) => {
    lab = built;
  },
  () => new Lab("uplink: px 10.8.0.53/24 | cli 10.8.0.2/24", {}),
);

async function start(text: string): Promise<Daemon> {
  const daemon = lab.keep(Daemon.launch(lab.enter("px"), text));
  await daemon.child.says(/"event":"started"/);
  return daemon;
}

const post = (daemon: Daemon) => ask(lab, daemon, "/v1/reload", "-X POST");

interface Summary {
  readonly zones: number;
  readonly problems: readonly string[];
  readonly reload: { readonly isTaken: boolean; readonly problems: readonly string[] } | null;
}

it("A9.1 a reload is answered when it is in force, or with each problem and its line", async () => {
  const daemon = await start(zones);
  const summary = () => read<Summary>(lab, daemon, "/v1/summary");
  const follower = new EventReader(lab, daemon, "/v1/events");
  await until("the stream has begun", () => follower.hasBegun);
  reconfigure(daemon.file, "zones = { 'mesh.example.com', 'more.example.com' }\n");
  const taken = post(daemon);
  expect(taken.status).toBe(200);
  expect(mismatch(reloadShape, taken.body)).toBeUndefined();
  expect(taken.body).toMatchObject({ file: daemon.file, warnings: [] });
  expect(summary()).toMatchObject({ zones: 2, reload: { isTaken: true } });
  await until("followers are told", () => follower.events.some(({ name }) => name === "reloaded"));
  reconfigure(daemon.file, "zone = { 'mesh.example.com' }\n");
  const refused = post(daemon);
  expect(refused.status).toBe(422);
  expect(mismatch(refusedReloadShape, refused.body)).toBeUndefined();
  const line = new RegExp(`^${daemon.file}:\\d+: zone\\b.*zones`);
  expect(refused.body.problems[0]).toMatch(line);
  // What was in force is, and the summary says so for as long as it is.
  expect(summary().zones).toBe(2);
  expect(summary().reload).toMatchObject({ isTaken: false, problems: refused.body.problems });
  lab.run("px", "ip addr add 10.8.0.99/24 dev uplink");
  await until("interfaces were followed", () =>
    daemon.log.some((one) => one.includes('"listener":"10.8.0.99:53/udp"')),
  );
  lab.run("px", "ip addr del 10.8.0.99/24 dev uplink");
  expect(summary().problems.join("\n")).toMatch(/refused, and the one before stays in force: /);
  reconfigure(daemon.file, zones);
  daemon.child.kill("SIGHUP");
  await until("it is in force", () => summary().zones === 1);
  // The address that went may have had its listeners for no longer than a look.
  await until("nothing is wrong", () => summary().problems.length === 0);
  expect(summary()).toMatchObject({ reload: { isTaken: true, problems: [] } });
  await follower.stop();
  await daemon.stop();
});

it("it moves, is switched off and on again, and whoever asked for it is answered", async () => {
  const daemon = await start(
    `http = { listen = { '127.0.0.1:8053', '/run/discd/http' } }\n${zones}`,
  );
  const here = (port: number) => curl(lab, "px", `http://127.0.0.1:${port}/v1/summary`).status;
  expect(here(8053)).toBe(200);
  reconfigure(daemon.file, `http = { listen = { '127.0.0.1:8054', '/run/discd/http' } }\n${zones}`);
  expect(post(daemon).status).toBe(200);
  expect([here(8053), here(8054)]).toEqual([0, 200]);
  reconfigure(daemon.file, `http = false\n${zones}`);
  expect(post(daemon).status).toBe(200);
  expect([here(8054), ask(lab, daemon, "/v1/summary").status]).toEqual([0, 0]);
  daemon.reload(zones);
  await until("it is back", () => here(8053) === 200);
  expect(ask(lab, daemon, "/v1/summary").status).toBe(200);
  await daemon.stop();
});

it("a hostname beyond ASCII is its own in the form that browsers send", async () => {
  const daemon = await start(`${zones}hostname = 'Bücher.example.com'\n`);
  const status = (host: string) => curl(lab, "px", `-H 'Host: ${host}' ${local}/v1/summary`).status;
  expect([status("xn--bcher-kva.example.com:8053"), status("xn--x.example.com")]).toEqual([
    200, 421,
  ]);
  reconfigure(daemon.file, zones);
  expect(post(daemon).status).toBe(200);
  expect([status("xn--bcher-kva.example.com"), status("px.example.com")]).toEqual([421, 200]);
  await daemon.stop();
});

it("who follows with a token that was changed has to show the new one", async () => {
  const places = "listen = { '127.0.0.1:8053', '10.8.0.53:8053', '/run/discd/http' }";
  const file = (token: string) => `http = { ${places}, token = env('${token}') }\n${zones}`;
  process.env.FIRST_TOKEN = "first-token-of-the-lab";
  process.env.SECOND_TOKEN = "second-token-of-the-lab";
  const daemon = await start(file("FIRST_TOKEN"));
  const status = (token: string) =>
    curl(lab, "cli", `-H 'Authorization: Bearer ${token}' http://10.8.0.53:8053/v1/zones`).status;
  expect([status("first-token-of-the-lab"), status("second-token-of-the-lab")]).toEqual([200, 401]);
  const follower = new EventReader(lab, daemon, "/v1/events");
  await until("the stream has begun", () => follower.hasBegun);
  daemon.reload(file("SECOND_TOKEN"));
  await until("the token is another", () => status("second-token-of-the-lab") === 200);
  expect(status("first-token-of-the-lab")).toBe(401);
  await until("the stream has ended", () => follower.hasEnded);
  await daemon.stop();
});

it("with http.tls it speaks TLS with the daemon's certificate, and nothing else", async () => {
  const authority = new Authority();
  const { leaf, key } = authority.issue("px.example.com");
  const [crt, keyFile] = [join(authority.folder, "crt.pem"), join(authority.folder, "key.pem")];
  writeFileSync(crt, leaf + authority.middle);
  writeFileSync(keyFile, key, { mode: 0o600 });
  const daemon = await start(
    `certificate = { crt = '${crt}', key = '${keyFile}' }
     http = { listen = { '10.8.0.53:8053', '/run/discd/http' }, tls = true }\n${zones}`,
  );
  const at = "--resolve px.example.com:8053:10.8.0.53";
  const words = `--cacert ${authority.root} ${at} https://px.example.com:8053`;
  expect(curl(lab, "cli", `${words}/`).text).toMatch(/<!doctype html>/);
  expect(curl(lab, "cli", `${words}/v1/summary`).status).toBe(403);
  expect(curl(lab, "cli", "http://10.8.0.53:8053/").status).not.toBe(200);
  expect(curl(lab, "cli", `${at} https://px.example.com:8053/`).status).toBe(0);
  await daemon.stop();
});

it("a default place that is taken is a warning, and used once it is free; a written one is not", async () => {
  const other = new Child([
    ...lab.enter("px"),
    process.execPath,
    "-e",
    "require('net').createServer().listen(8053, '127.0.0.1', () => console.log('up'))",
  ]);
  await other.says(/up/);
  const written = Daemon.launch(lab.enter("px"), `http = { listen = '127.0.0.1:8053' }\n${zones}`);
  await written.child.ended;
  expect(written.child.exit?.code).toBe(1);
  const line = /^discd: http\.listen 127\.0\.0\.1:8053: in use by node \(pid \d+\); stop/;
  expect(written.log.filter(Boolean).at(-1)).toMatch(line);
  const daemon = await start(zones);
  const [warning] = daemon.log.filter((one) => one.includes("http-not-listening"));
  expect(JSON.parse(warning ?? "{}")).toMatchObject({ level: "warn" });
  expect(warning).toMatch(/in use by node.*http = /);
  expect(read<Summary>(lab, daemon, "/v1/summary").problems.join("\n")).toMatch(/in use by node/);
  await other.stop("SIGKILL");
  await until("the place is used", () => curl(lab, "px", `${local}/v1/summary`).status === 200);
  const problems = () => read<Summary>(lab, daemon, "/v1/summary").problems;
  await until("nothing is wrong", () => problems().length === 0);
  await daemon.stop();
});

it("npm start says where the page is, and where it is without a network", async () => {
  const demo = new Child([...lab.enter("px"), discd, "--demo"]);
  lab.keep(demo);
  await demo.says(/^Everything on one page: http:\/\/127\.0\.0\.1:8053\/$/);
  expect(curl(lab, "px", `${local}/`).text).toMatch(/<!doctype html>/);
  await demo.stop();
  // Not even loopback is up.
  const alone = lab.keep(new Child(["unshare", "-n", discd, "--demo"]));
  await alone.says(/^Everything at once: curl --unix-socket \/run\/discd\/http /);
  const socket = `/proc/${alone.pid}/root/run/discd/http`;
  const words = `--unix-socket ${socket} http://localhost/v1/summary`;
  expect(curl(lab, "px", words).body).toMatchObject({ links: 1, zones: 1 });
  await alone.stop();
});
