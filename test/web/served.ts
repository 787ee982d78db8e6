// discd's own HTTP listeners with the built pages, on loopback and on an address
// that needs the token, over a state that no daemon was needed for. One JSON
// object a line on standard input: { event, data }.

import { createInterface } from "node:readline";
import { parseAddress } from "../../src/address.js";
import { answer } from "../../src/api/answer.js";
import { eventOf } from "../../src/api/events.js";
import type { Service } from "../../src/api/shapes.js";
import { Counts } from "../../src/counts.js";
import { silentLog } from "../../src/log.js";
import { HttpListeners, type HttpPlace } from "../../src/os/http.js";
import { readPages } from "../../src/os/pages.js";
import { tokenCheck } from "../../src/os/token.js";
import { fakeState } from "../api/state.js";
import { services } from "./world.js";

const [folder = "", port = "8053"] = process.argv.slice(2);
const state = fakeState({ services: () => services(2000) as unknown as Service[] });
const rights = { names: new Set<string>(), hasToken: true, isToken: tokenCheck("s3cret") };
const pages = readPages(folder);
const listeners = new HttpListeners({
  answering: (request) => answer(request, { state, rights, pages }),
  log: silentLog,
  counts: new Counts(),
  crash: (error) => {
    throw error;
  },
});
const listen = ["127.0.0.1", "192.0.2.1"].map((text): HttpPlace => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return { kind: "tcp", address, port: Number(port) };
});
const faults = await listeners.follow({ listen });
process.stdout.write(faults.length === 0 ? "ready\n" : `${faults.join("\n")}\n`);

createInterface({ input: process.stdin }).on("line", (line) => {
  const { event, data, id } = JSON.parse(line);
  listeners.publish(eventOf(event, data));
  process.stdout.write(`done ${id}\n`);
});
