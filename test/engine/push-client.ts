// What tests of Push through the whole engine have in common: one link, and a
// subscriber at the end of a connection over TLS.

import { parseName } from "../../src/wire/name.js";
import { Subscriber } from "../push/subscriber.js";
import { hex } from "../wire/captures.js";
import { World, type WorldSetting } from "./story.js";
import type { TcpClient } from "./story-clients.js";
import type { StoryLink } from "./story-link.js";

export const lab = parseName("lab.example.com");
export const lobby = "_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.";
export const foyer = "_ipp._tcp.local. 4500 PTR Foyer._ipp._tcp.local.";
export const type = "_ipp._tcp.lab.example.com";
export const gone = (line: string) => line.replace(" 4500 ", " 0 ");

/** A subscriber at the end of a connection over TLS. */
export class Client {
  readonly tcp: TcpClient;
  readonly subscriber: Subscriber;
  #read = 0;

  constructor(tcp: TcpClient) {
    this.tcp = tcp;
    this.subscriber = new Subscriber(tcp.stream);
  }

  says(text: string): this {
    this.tcp.send(hex(text));
    return this;
  }

  subscribe(id: number, name = type, rrType = "PTR"): this {
    return this.says(this.subscriber.wants(id, name, rrType));
  }

  /** Messages since the last call, as hex. */
  heard(): string[] {
    for (const { bytes } of this.tcp.dso.slice(this.#read)) this.subscriber.receives(bytes);
    this.#read = this.tcp.dso.length;
    return this.subscriber.heard();
  }

  /** What the PUSHes since the last call said. */
  news(): string[][] {
    this.heard();
    return this.subscriber.news();
  }
}

export function scene(setting: WorldSetting = {}): { w: World; link: StoryLink } {
  const w = new World(setting);
  const link = w.link("eth0", { served: { service: lab, host: lab } });
  return { w, link };
}

export const rcodes = (messages: readonly string[]) => messages.map((text) => text.slice(4, 8));
