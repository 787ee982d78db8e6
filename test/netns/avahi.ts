// A real avahi-daemon in a namespace: without D-Bus, its configuration and run
// folder private to it, its services from static files.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child, until } from "./children.js";

export interface AvahiService {
  readonly name: string;
  readonly type: string;
  readonly port: number;
  readonly txt?: readonly (string | { readonly key: string; readonly hex: string })[];
  readonly subtypes?: readonly string[];
  /** Another host than the daemon's own; it has to be in `hosts`. */
  readonly host?: string;
}

export interface AvahiOptions {
  readonly host: string;
  readonly services: readonly AvahiService[];
  /** Further hosts it answers for: name → address. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Interface names it uses; default all. */
  readonly interfaces?: readonly string[];
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  /** Repeats what it hears on one interface on the others. */
  readonly reflects?: boolean;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function serviceFile(service: AvahiService): string {
  const txt = (service.txt ?? []).map((item) =>
    typeof item === "string"
      ? `<txt-record>${xml(item)}</txt-record>`
      : `<txt-record value-format="binary-hex">${xml(item.key)}=${item.hex}</txt-record>`,
  );
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<!DOCTYPE service-group SYSTEM "avahi-service.dtd">',
    "<service-group>",
    `<name replace-wildcards="no">${xml(service.name)}</name>`,
    `<service><type>${service.type}</type>`,
    ...(service.subtypes ?? []).map((type) => `<subtype>${type}</subtype>`),
    ...(service.host === undefined ? [] : [`<host-name>${service.host}</host-name>`]),
    `<port>${service.port}</port>`,
    ...txt,
    "</service></service-group>\n",
  ].join("\n");
}

function configuration(options: AvahiOptions): string {
  return [
    "[server]",
    `host-name=${options.host}`,
    "domain-name=local",
    `use-ipv4=${options.ipv4 === false ? "no" : "yes"}`,
    `use-ipv6=${options.ipv6 === false ? "no" : "yes"}`,
    "enable-dbus=no",
    "ratelimit-interval-usec=1000000",
    "ratelimit-burst=1000",
    ...(options.interfaces === undefined
      ? []
      : [`allow-interfaces=${options.interfaces.join(",")}`]),
    "[wide-area]",
    "enable-wide-area=no",
    "[publish]",
    "publish-hinfo=no",
    "publish-workstation=no",
    "publish-aaaa-on-ipv4=yes",
    "publish-a-on-ipv6=yes",
    "[reflector]",
    `enable-reflector=${options.reflects === true ? "yes" : "no"}`,
    "",
  ].join("\n");
}

export class Avahi {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Starts one and waits until every service is announced. */
  static async start(
    enter: readonly string[],
    folder: string,
    options: AvahiOptions,
  ): Promise<Avahi> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, "services"), { recursive: true });
    writeFileSync(join(folder, "avahi-daemon.conf"), configuration(options));
    const hosts = Object.entries(options.hosts ?? {}).map(([name, at]) => `${at} ${name}\n`);
    writeFileSync(join(folder, "hosts"), hosts.join(""));
    options.services.forEach((service, i) => {
      writeFileSync(join(folder, "services", `${i}.service`), serviceFile(service));
    });
    const script = [
      "mount -t tmpfs none /run",
      "mkdir /run/avahi-daemon",
      `mount --bind '${folder}' /etc/avahi`,
      "exec avahi-daemon --no-drop-root --no-chroot --no-proc-title",
    ].join(" && ");
    const child = new Child([...enter, "unshare", "-m", "sh", "-c", script]);
    await child.says(/Server startup complete/);
    await until(
      `avahi ${options.host} announces its services\n${child.stderrLines.slice(-5).join("\n")}`,
      () => {
        const lines = child.stderrLines.filter((line) => /successfully established/.test(line));
        return lines.length >= options.services.length;
      },
    );
    return new Avahi(child);
  }

  /** A clean end: it says goodbye. */
  async stop(): Promise<void> {
    await this.#child.stop();
  }

  /** The end without a goodbye. */
  async kill(): Promise<void> {
    await this.#child.stop("SIGKILL");
  }

  get lines(): readonly string[] {
    return this.#child.stderrLines;
  }
}
