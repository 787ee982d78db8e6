// discd itself with real devices, and a browser beside it: two links, one of them
// published to BIND, a client with a subscription, one browser on the proxy host
// and one elsewhere.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import type { Avahi, AvahiService } from "../netns/avahi.js";
import { run, until } from "../netns/children.js";
import { Daemon } from "../netns/daemon.js";
import { Lab } from "../netns/lab.js";
import type { TypeName } from "../netns/packet.js";
import { keyName, secretText, startBindPrimary } from "../netns/primaries.js";
import { E, subscribe } from "../netns/session-bytes.js";
import { WirePeer } from "../netns/wire-peer.js";
import { Browsing, type Visit } from "./browsing.js";

const drawing = `
  uplink: px 10.8.0.53/24 | dns 10.8.0.54/24 | cli 10.8.0.2/24
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | ava1 10.1.0.2/24 2001:db8:1::2/64
      | dev1 10.1.0.3/24 2001:db8:1::3/64
  net2: px   10.2.0.1/24
      | ava2 10.2.0.2/24
`;

export const zone = "lab.example.com";
export const published = "link1.discd.test";
export const token = "secret-of-the-live-page";

/** A device that would rather be a program, and others that are what they say. */
export const hostile = "<script>alert(1)</script>";
export const devices: readonly AvahiService[] = [
  {
    name: "Printer 3rd floor",
    type: "_ipp._tcp",
    port: 631,
    txt: ["txtvers=1", "ty=Real Laser", "note=Room 117", { key: "id", hex: "00ff1020" }],
    subtypes: ["_universal._sub._ipp._tcp"],
  },
  { name: hostile, type: "_http._tcp", port: 80, txt: [`path=${hostile}`] },
  { name: "プリンター 三階", type: "_ipp._tcp", port: 632 },
  { name: "مدفسה \u202edna", type: "_http._tcp", port: 81 },
];

export class Live {
  readonly lab: Lab;
  readonly #folder = mkdtempSync(join(tmpdir(), "discd-live-"));
  readonly #near: Browsing;
  readonly #far: Browsing;
  discd!: Daemon;

  private constructor(lab: Lab, near: Browsing, far: Browsing) {
    this.lab = lab;
    this.#near = near;
    this.#far = far;
  }

  static async open(): Promise<Live> {
    const lab = new Lab(drawing, {});
    const [near, far] = await Promise.all([
      Browsing.open(lab.enter("px")),
      Browsing.open(lab.enter("cli")),
    ]);
    const live = new Live(lab, near, far);
    const place = { enter: lab.enter("dns"), folder: join(live.#folder, "named") };
    const at = { ...place, address: "10.8.0.54", port: 53 };
    lab.keep(await startBindPrimary(at, { zone: published }));
    await live.start();
    await lab.avahi("ava1", { host: "ava1", services: devices });
    await lab.avahi("ava2", {
      host: "ava2",
      services: [{ name: "Speaker", type: "_raop._tcp", port: 5000 }],
    });
    return live;
  }

  async close(): Promise<void> {
    await Promise.all([this.#near.close(), this.#far.close()]);
    await this.lab.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Starts discd, and waits until it is healthy. */
  async start(): Promise<void> {
    const key = join(this.#folder, "discd.key");
    const text = `key "${keyName}" { algorithm hmac-sha256; secret "${secretText}"; };\n`;
    writeFileSync(key, text, { mode: 0o600 });
    this.discd = this.lab.keep(
      Daemon.launch(
        this.lab.enter("px"),
        `certificate = 'self-signed'
http = { listen = { '127.0.0.1:8053', '10.8.0.53:8053', '/run/discd/http' }, token = '${token}' }
interfaces = {
  { name = 'net1', subdomain = '${zone}', warm = true },
  { name = 'net2', subdomain = '${published}', mode = 'update' },
  { name = 'uplink', disable = true },
}
state = '${join(this.#folder, "state")}'
update = { server = '10.8.0.54', zone = '${published}', trust_clock = true,
  key = { file = '${key}' } }`,
      ),
    );
    await until(
      "discd is healthy",
      () => {
        const { child, log } = this.discd;
        if (child.exit !== undefined) throw new Error(log.slice(-20).join("\n"));
        try {
          return this.get<{ ok: boolean }>("/healthz").ok;
        } catch {
          return false;
        }
      },
      30_000,
      200,
    );
  }

  async stop(): Promise<void> {
    await this.discd.stop();
  }

  /** What the API says, asked by curl. */
  get<T>(path: string): T {
    const url = `http://127.0.0.1:8053${path}`;
    return JSON.parse(run([...this.lab.enter("px"), "curl", "-sS", "-m", "5", url])) as T;
  }

  /** One more device on net1, until it is stopped. */
  device(name: string, type = "_ipp._tcp"): Promise<Avahi> {
    return this.lab.avahi("dev1", { host: "dev1", services: [{ name, type, port: 9100 }] });
  }

  /** A DNS Push session that follows one question. */
  async subscriber(name: string, type: TypeName): Promise<WirePeer> {
    const peer = await WirePeer.open(await this.lab.agent("cli"), "10.8.0.53", 853, {});
    await peer.exchange(E("E01"));
    peer.send(subscribe(0x0102, name, type));
    return peer;
  }

  /** The page as the proxy host itself sees it. */
  visit(path = "", options: BrowserContextOptions = {}): Promise<Visit> {
    return this.#near.visit("http://127.0.0.1:8053", path, options);
  }

  /** The page as another host sees it. */
  visitFromAfar(path = ""): Promise<Visit> {
    return this.#far.visit("http://10.8.0.53:8053", path);
  }
}
