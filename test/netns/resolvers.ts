// BIND as the parent of the delegated zones (and a private root above it), Unbound
// as the resolver that follows the delegation. Neither knows a real name server.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child } from "./children.js";

export interface Zone {
  readonly origin: string;
  /** Zone-file lines below the SOA and NS of the server itself. */
  readonly lines: readonly string[];
}

/**
 * A BIND that is authoritative for `zones` and, above them, for a root of its own.
 *
 * @param more  options of named.conf, in place of those of the same name below
 */
export async function startBind(
  enter: readonly string[],
  folder: string,
  addresses: readonly string[],
  zones: readonly Zone[],
  more: readonly string[] = [],
): Promise<Child> {
  mkdirSync(folder, { recursive: true });
  const own = "ns.bind.test.";
  const root: Zone = {
    origin: ".",
    lines: [
      ...addresses.map((at) => `${own} ${at.includes(":") ? "AAAA" : "A"} ${at}`),
      ...zones.map((zone) => `${zone.origin} NS ${own}`),
    ],
  };
  const blocks = [root, ...zones].map((zone, i) => {
    const lines = [
      "$TTL 60",
      `${zone.origin} SOA ${own} hostmaster.bind.test. 1 3600 600 86400 60`,
      `${zone.origin} NS ${own}`,
      ...zone.lines,
    ];
    writeFileSync(join(folder, `zone${i}`), `${lines.join("\n")}\n`);
    return `zone "${zone.origin}" { type primary; file "zone${i}"; };`;
  });
  const usual = [
    `directory "${folder}";`,
    "pid-file none;",
    "listen-on { any; };",
    "listen-on-v6 { any; };",
    "recursion no;",
    "minimal-responses no;",
    "dnssec-validation no;",
    "empty-zones-enable no;",
    "allow-query { any; };",
  ];
  const nameOf = (option: string) => option.split(" ")[0];
  const replaced = new Set(more.map(nameOf));
  const options = [...usual.filter((option) => !replaced.has(nameOf(option))), ...more];
  writeFileSync(
    join(folder, "named.conf"),
    [`options { ${options.join(" ")} };`, "controls { };", ...blocks, ""].join("\n"),
  );
  const child = new Child([...enter, "named", "-g", "-n", "1", "-c", join(folder, "named.conf")]);
  await child.says(/ running$/);
  return child;
}

/** An Unbound that starts at `roots`, trusts every answer, and minimises names strictly. */
export async function startUnbound(
  enter: readonly string[],
  folder: string,
  port: number,
  roots: readonly string[],
  more: readonly string[] = [],
): Promise<Child> {
  mkdirSync(folder, { recursive: true });
  const hints = roots.map((at) => `ns.bind.test. 3600 IN ${at.includes(":") ? "AAAA" : "A"} ${at}`);
  writeFileSync(join(folder, "hints"), [". 3600 IN NS ns.bind.test.", ...hints, ""].join("\n"));
  const lines = [
    "server:",
    'chroot: ""',
    'username: ""',
    'pidfile: ""',
    `directory: "${folder}"`,
    "use-syslog: no",
    'logfile: ""',
    "verbosity: 1",
    "num-threads: 1",
    "interface: 0.0.0.0",
    "interface: ::",
    `port: ${port}`,
    "access-control: 0.0.0.0/0 allow",
    "access-control: ::/0 allow",
    'module-config: "iterator"',
    `root-hints: "${join(folder, "hints")}"`,
    "do-not-query-localhost: no",
    "qname-minimisation: yes",
    "qname-minimisation-strict: yes",
    "harden-below-nxdomain: yes",
    "unblock-lan-zones: yes",
    "insecure-lan-zones: yes",
    ...more,
    "remote-control:",
    "control-enable: no",
    "",
  ];
  writeFileSync(join(folder, "unbound.conf"), lines.join("\n"));
  const child = new Child([...enter, "unbound", "-d", "-c", join(folder, "unbound.conf")]);
  await child.says(/start of service/);
  return child;
}
