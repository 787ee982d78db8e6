// Update mode as an operator has it: discd on a link with real devices, and named
// on another host as the primary of the link's zone.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { Avahi } from "./avahi.js";
import { Child, run, until } from "./children.js";
import { configure, Daemon } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { secretText } from "./primaries.js";

export const updateZone = "link1.discd.test";

/** A link with two devices, and the primary on another network. */
const site = `
  wan:  px   10.8.0.53/24
      | ns1  10.8.0.1/24 10.8.0.2/24
  net1: px   10.1.0.1/24
      | ava1 10.1.0.2/24
      | ava2 10.1.0.3/24
      | dev1 10.1.0.4/24
`;

export const primaryAddress = "10.8.0.1";

const keyText = `key "discd-link1.example." { algorithm hmac-sha256; secret "${secretText}"; };`;

export interface NamedOptions {
  /** Certificate and key of its TLS listener on port 853, PEM; absent: there is none. */
  readonly tls?: { readonly leaf: string; readonly key: string };
  /** Who may do what; default: discd's key all that discd writes. */
  readonly policy?: readonly string[];
  /** Everybody may update, and nobody has to sign. */
  readonly isOpen?: boolean;
  /** Further lines of the zone. */
  readonly records?: readonly string[];
  /** A reverse zone, and the key that may update it. */
  readonly reverse?: { readonly apex: string; readonly key: string; readonly secret: string };
  /** Lines of the zone `discd.test` around it, which nobody updates; absent: it is not there. */
  readonly parent?: readonly string[];
}

const usualPolicy = [
  `deny discd-link1.example. name ns1.${updateZone}. ANY;`,
  `deny discd-link1.example. name keep.${updateZone}. ANY;`,
  "grant discd-link1.example. zonesub A AAAA PTR SRV TXT TYPE65280;",
];

/** named in the node `ns1` with the specification's zone; its files outlive it in the folder. */
export async function startNamed(
  lab: Lab,
  folder: string,
  { tls, policy = usualPolicy, records = [], isOpen = false, parent, reverse }: NamedOptions = {},
): Promise<Child> {
  mkdirSync(folder, { recursive: true });
  const zone = [
    "$TTL 120",
    "@ SOA ns1 hostmaster 1 3600 600 604800 10",
    "@ NS ns1",
    `ns1 A ${primaryAddress}`,
    "keep A 192.0.2.77",
    ...records,
  ];
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  file("link1.db", `${zone.join("\n")}\n`);
  const above = ["$TTL 120", "@ SOA ns1.link1 hostmaster 1 3600 600 604800 10", "@ NS ns1.link1"];
  const glue = ["link1 NS ns1.link1", `ns1.link1 A ${primaryAddress}`];
  if (parent !== undefined) file("parent.db", `${[...above, ...glue, ...parent].join("\n")}\n`);
  if (tls !== undefined) {
    file("leaf.pem", tls.leaf);
    file("leaf.key", tls.key);
  }
  const ns = `ns1.${updateZone}.`;
  file("reverse.db", `$TTL 120\n@ SOA ${ns} root.${ns} 1 3600 600 604800 10\n@ NS ${ns}\n`);
  const secure = tls === undefined ? [] : [`listen-on port 853 tls own { ${primaryAddress}; };`];
  const lines = [
    keyText,
    ...(tls === undefined ? [] : ['tls own { cert-file "leaf.pem"; key-file "leaf.key"; };']),
    "options {",
    `  directory "${folder}"; pid-file none; session-keyfile none;`,
    `  listen-on port 53 { ${primaryAddress}; 127.0.0.1; }; listen-on-v6 { none; };`,
    ...secure,
    "  recursion no; dnssec-validation no; notify no; empty-zones-enable no;",
    `  allow-transfer { key discd-link1.example.; ${isOpen ? "any;" : ""} };`,
    "};",
    "controls { };",
    "logging { category update { default_stderr; }; category update-security { default_stderr; }; };",
    parent === undefined ? "" : 'zone "discd.test" { type primary; file "parent.db"; };',
    `zone "${updateZone}" {`,
    '  type primary; file "link1.db"; check-names ignore;',
    isOpen ? "  allow-update { any; };" : `  update-policy { ${policy.join(" ")} };`,
    "};",
    ...reverseLines(reverse),
    "",
  ];
  file("named.conf", lines.join("\n"));
  return startNamedAgain(lab, folder);
}

/** named with the files as they stand in its folder. */
export async function startNamedAgain(lab: Lab, folder: string): Promise<Child> {
  const conf = join(folder, "named.conf");
  const child = new Child([...lab.enter("ns1"), "named", "-g", "-n", "1", "-c", conf]);
  await child.says(/ running$/);
  return child;
}

function reverseLines(reverse: NamedOptions["reverse"]): string[] {
  if (reverse === undefined) return [];
  const { apex, key, secret } = reverse;
  return [
    `key "${key}." { algorithm hmac-sha256; secret "${secret}"; };`,
    `zone "${apex}" {`,
    '  type primary; file "reverse.db"; check-names ignore;',
    `  allow-update { key ${key}.; }; allow-transfer { key ${key}.; };`,
    "};",
  ];
}

/** What stands in the zone, as `name type rdata` lines, without what named itself put there. */
export function published(lab: Lab): string[] {
  const key = `hmac-sha256:discd-link1.example.:${secretText}`;
  const words = ["dig", "@127.0.0.1", "-y", key, updateZone, "AXFR", "+noall", "+answer"];
  return run([...lab.enter("ns1"), ...words, "+onesoa"])
    .split("\n")
    .map((line) => line.split(/\s+/))
    .filter(([name, , , type]) => type !== undefined && !/^(ns1|keep)\./.test(name ?? ""))
    .filter(([, , , type]) => /^(A|AAAA|PTR|SRV|TXT|TYPE65280)$/.test(type ?? ""))
    .map(([name = "", , , type = "", ...rdata]) => {
      const owner = name.replace(`.${updateZone}.`, "").replace(`${updateZone}.`, "@");
      return `${owner} ${type} ${rdata.join(" ").replaceAll(`.${updateZone}.`, "")}`;
    })
    .sort();
}

/** The zone's serial. */
export function serial(lab: Lab): number {
  const words = ["dig", "@127.0.0.1", "+short", updateZone, "SOA"];
  return Number(run([...lab.enter("ns1"), ...words]).split(" ")[2]);
}

/** Whether some instance of a service is listed. */
export const lists = (lab: Lab, instance: string): boolean =>
  published(lab).some((line) => line.includes("PTR") && line.endsWith(instance));

export interface DiscdOptions {
  /** Further lines of the table `update`. */
  readonly update?: string;
  /** Further lines of the file. */
  readonly more?: string;
  /** Where state files go. */
  readonly state: string;
  /** The line that says the key; default: the one that named knows. */
  readonly key?: string;
  readonly server?: string;
  /** Shell commands before the start, with the file systems of discd alone. */
  readonly before?: string;
  /** Further variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the zone itself. */
  readonly subdomain?: string;
  /** The link is not used. */
  readonly isIdle?: boolean;
  /** What resolv.conf says; default: nobody is asked. */
  readonly resolvers?: string;
  /** Where it runs; default: `px`. */
  readonly node?: string;
}

/** A key as discd.lua has it. */
export const keyLine = (name = "discd-link1.example", secret = secretText): string =>
  `key = { name = '${name}', algorithm = 'hmac-sha256', secret = '${secret}' },`;

export function updateConfig({ update = "", more = "", state, ...rest }: DiscdOptions): string {
  const { server = `server = '${primaryAddress}', zone = '${updateZone}',` } = rest;
  const { key = keyLine(), subdomain = updateZone } = rest;
  const idle = "{ name = 'net1', disable = true }";
  return `
interfaces = {
  ${rest.isIdle === true ? idle : `{ name = 'net1', mode = 'update', subdomain = '${subdomain}' }`},
  { name = 'wan', disable = true },
}
update = {
  ${server}
  ${key}
  state = '${state}',
  ${update}
}
${more}
`;
}

/** discd in px or another node, started. */
export async function startDiscd(lab: Lab, options: DiscdOptions): Promise<Daemon> {
  const { resolvers = "nameserver 127.0.0.1\n", node = "px" } = options;
  const file = configure(resolvers, true);
  const script = `mount --bind ${file} /etc/resolv.conf; ${options.before ?? ":"}; exec "$@"`;
  const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  const enter = [...lab.enter(node), "env", ...env, "unshare", "-m", "sh", "-c", script, "discd"];
  const daemon = lab.keep(Daemon.launch(enter, updateConfig(options)));
  await daemon.child.says(/"event":"started"/);
  return daemon;
}

/** Waits until the zone is as it should be. */
export async function untilZone(
  what: string,
  lab: Lab,
  holds: (lines: readonly string[]) => boolean,
  limit = 30_000,
): Promise<void> {
  await until(what, () => holds(published(lab)), limit, 200).catch((error) => {
    throw new Error(`${error}\n${published(lab).join("\n")}`);
  });
}

/** What a dump says of the one link that is published. */
export async function shownBy(daemon: Daemon): Promise<Readonly<Record<string, unknown>>> {
  const { engine } = (await daemon.state()) as unknown as {
    engine: { published: readonly Readonly<Record<string, unknown>>[] };
  };
  return engine.published[0] as Readonly<Record<string, unknown>>;
}

/** What named was told to delete, by its own log, as `name type`. */
export function deleted(primary: Child): string[] {
  return primary.stderrLines.flatMap((line) => {
    const found = /deleting (?:an RR at |rrset at '|all rrsets from name ')([^' ]+)'? ?(\S*)/.exec(
      line,
    );
    return found === null ? [] : [`${found[1]} ${found[2]}`];
  });
}

/** What the tests of one file start. */
export interface UpdateSite {
  /** A path that nobody has used. */
  fresh(what: string): string;
  named(options?: NamedOptions): Promise<Child>;
  discd(options?: Partial<DiscdOptions>): Promise<Daemon>;
  printer(node: string, name: string): Promise<Avahi>;
}

/** One site for a file of tests; what each of them starts ends with it. */
export function updateSite(built: (lab: Lab) => void): UpdateSite {
  const folder = mkdtempSync(join(tmpdir(), "discd-update-"));
  const ending: { stop(): Promise<void> }[] = [];
  let lab: Lab;
  let count = 0;
  laboratory(
    async (made) => {
      lab = made;
      built(made);
    },
    () => new Lab(site, {}),
  );
  afterEach(async () => {
    for (const one of ending.splice(0).reverse()) await one.stop();
  });
  const ended = <T extends { stop(): Promise<void> }>(one: T): T => {
    ending.push(one);
    return one;
  };
  const fresh = (what: string) => {
    count += 1;
    return join(folder, `${what}${count}`);
  };
  return {
    fresh,
    named: async (options) => ended(await startNamed(lab, fresh("named"), options)),
    discd: async (options) => ended(await startDiscd(lab, { state: fresh("state"), ...options })),
    printer: async (node, name) => {
      const services = [{ name, type: "_ipp._tcp", port: 631, txt: ["rp=print"] }];
      const host = `host-${node}`;
      return ended(await lab.avahi(node, { host, services, ipv6: false }));
    },
  };
}
