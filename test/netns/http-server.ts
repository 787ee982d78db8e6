// The HTTP listeners with a state that no daemon was needed for, as a program of its
// own: `node scripts/run.mjs test/netns/http-server.ts [TOKEN PLACE…]`. A place is
// ADDRESS:PORT or a path. Services come and go, so that there is something to see.

import { fileURLToPath } from "node:url";
import { parseAddress } from "../../src/address.js";
import { eventOf } from "../../src/api/events.js";
import type { Service } from "../../src/api/shapes.js";
import { Counts } from "../../src/counts.js";
import { HttpListeners, type HttpPlace } from "../../src/os/http.js";
import { readPages } from "../../src/os/pages.js";
import { tokenCheck } from "../../src/os/token.js";
import { answerFully, fakeState, printer, summary } from "../api/state.js";

const [token = "s3cret", ...places] = process.argv.slice(2);

function placeOf(text: string): HttpPlace {
  const found = /^\[?(.*?)\]?:(\d+)$/.exec(text);
  const address = parseAddress(found?.[1] ?? "");
  if (address === undefined) return { kind: "unix", path: text };
  return { kind: "tcp", address, port: Number(found?.[2]) };
}

const many: Service[] = Array.from({ length: 2000 }, (_, at) => ({
  ...printer,
  id: `net1 p${at}`,
  instance: `Printer ${at}`,
  name: `Printer ${at}._ipp._tcp.floor1.example.com`,
  escaped: `Printer\\032${at}._ipp._tcp.floor1.example.com`,
  type: at % 3 === 0 ? "_ipp._tcp" : "_http._tcp",
  addresses: ["10.1.0.9"],
}));

const counts = new Counts();
const state = fakeState({ services: () => [printer, ...many], counts: () => counts });
const rights = { names: new Set(["px.example.com"]), hasToken: true, isToken: tokenCheck(token) };
const pages = readPages(fileURLToPath(new URL("../../../dist/web", import.meta.url)));
const api = { state, rights, pages };
const listeners = new HttpListeners({
  answering: (request) => answerFully(request, api),
  log: { event: (...words) => process.stdout.write(`${JSON.stringify(words)}\n`) },
  counts,
  crash: (error) => {
    throw error;
  },
});

const wanted = places.length === 0 ? ["127.0.0.1:8053"] : places;
const faults = await listeners.follow({ listen: wanted.map(placeOf) });
process.stdout.write(faults.length === 0 ? `listening ${process.pid}\n` : `${faults.join("\n")}\n`);

let turn = 0;
setInterval(() => {
  turn += 1;
  const name = turn % 2 === 0 ? "service-removed" : "service-added";
  listeners.publish(
    eventOf(name, { ...printer, id: "net1 now and then", instance: "Now and then" }),
  );
  listeners.publish(eventOf("summary", { ...summary, services: 2001 + (turn % 2) }));
}, 2000);
process.on("SIGTERM", () => {
  listeners.close();
  process.exit(0);
});
