// Pretends to be discd's HTTP side, for tests of the page alone: serves dist/web
// as discd does, the bodies it was told on standard input, and events as they are
// told. One JSON object a line: { set, body }, { event, data },
// { events }, { cut }, { isDown }, { token }.

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [folder = "", portText = "8053"] = process.argv.slice(2);
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");
const files: Readonly<Record<string, readonly [string, string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/style.css": ["style.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
};
const bodies = new Map<string, string>();
const streams = new Map<ServerResponse, "/v1/events" | "/v1/packets">();
let token = "";
let isDown = false;

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (isDown) {
    request.socket.destroy();
    return;
  }
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const file = files[path];
  if (file !== undefined) {
    response.writeHead(200, {
      "content-type": file[1],
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    });
    response.end(readFileSync(join(folder, file[0])));
    return;
  }
  if (token !== "" && request.headers.authorization !== `Bearer ${token}`) {
    response.writeHead(401, { "content-type": "application/json" });
    const isWrong = request.headers.authorization !== undefined;
    const error = isWrong ? "the token is wrong" : "reading from another host needs the token";
    response.end(JSON.stringify({ error }));
    return;
  }
  if (path === "/v1/events" || path === "/v1/packets") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": \n\n");
    streams.set(response, path);
    response.on("close", () => streams.delete(response));
    return;
  }
  const body = bodies.get(path);
  const type = path === "/metrics" ? "text/plain" : "application/json";
  response.writeHead(body === undefined ? 404 : 200, { "content-type": type });
  response.end(body ?? "{}");
}

setInterval(() => {
  for (const stream of streams.keys()) stream.write(": \n\n");
}, 2000);

const server = createServer(answer);
server.listen(Number(portText), "127.0.0.1", () => process.stdout.write("ready\n"));

createInterface({ input: process.stdin }).on("line", (line) => {
  const said = JSON.parse(line);
  if (said.set !== undefined) bodies.set(said.set, said.body);
  for (const { event, data } of said.events ?? (said.event === undefined ? [] : [said])) {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    const feed = event === "packet" ? "/v1/packets" : "/v1/events";
    for (const [stream, path] of streams) if (path === feed) stream.write(text);
  }
  if (said.isDown !== undefined) isDown = said.isDown;
  if (said.token !== undefined) token = said.token;
  if (said.cut === true) for (const stream of streams.keys()) stream.destroy();
  process.stdout.write(`done ${said.id}\n`);
});
