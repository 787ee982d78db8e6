// Name servers that take updates, or follow one that does: BIND, Knot, NSD and
// PowerDNS, each with the configuration that docs and specification give for it,
// in a namespace and a folder of its own. All of them know two keys, of which the
// second one is for those who change theirs.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child, run } from "./children.js";

export const keyName = "discd-link1.example";
export const secretText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

export const nextKeyName = "discd-next.example";
export const nextSecretText = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";

/** Where a server runs. */
export interface Place {
  /** The command that enters its namespace. */
  readonly enter: readonly string[];
  /** Made when the server is; all that it writes is in there. */
  readonly folder: string;
  readonly address: string;
  readonly port: number;
}

export interface Fixture {
  readonly zone: string;
  readonly algorithm?: string;
  /** Zone-file lines besides the SOA, the NS and the foreign records. */
  readonly records?: readonly string[];
}

/** Records that nobody's update may change; `srp` is a name as an SRP registrar keeps it. */
export const foreign = ["keep A 192.0.2.77", "srp A 192.0.2.78", "srp KEY 512 3 15 AAECAwQFBgc="];

const zoneFile = ({ records = [] }: Fixture) =>
  [
    "$TTL 120",
    "@ SOA ns1 hostmaster 1 3600 600 604800 10",
    "@ NS ns1",
    "ns1 A 127.0.0.1",
    ...foreign,
    ...records,
    "",
  ].join("\n");

/** A server that can be killed and started again on what it has kept. */
export class NameServer {
  readonly place: Place;
  readonly zone: string;
  child: Child;
  readonly #argv: readonly string[];
  readonly #isUp: RegExp;

  private constructor(place: Place, zone: string, argv: readonly string[], isUp: RegExp) {
    this.place = place;
    this.zone = zone;
    this.#argv = [...place.enter, ...argv];
    this.#isUp = isUp;
    this.child = new Child(this.#argv);
  }

  static async start(
    place: Place,
    zone: string,
    argv: readonly string[],
    isUp: RegExp,
  ): Promise<NameServer> {
    const server = new NameServer(place, zone, argv, isUp);
    await server.child.says(isUp);
    return server;
  }

  /** Everything it has logged since it was started last. */
  get log(): string {
    return [...this.child.stdoutLines, ...this.child.stderrLines].join("\n");
  }

  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.stop(signal);
    // Knot takes the file of a killed run for a running one.
    rmSync(join(this.place.folder, "run", "knot.pid"), { force: true });
    this.child = new Child(this.#argv);
    await this.child.says(this.#isUp);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.child.stop(signal);
  }
}

export interface BindOptions extends Fixture {
  /** Further lines of the zone's block. */
  readonly zoneLines?: readonly string[];
  /** `nsec3`: with Ed25519, as the specification's variant. */
  readonly signing?: "nsec" | "nsec3";
  /** Where changes are told. */
  readonly notify?: readonly Pick<Place, "address" | "port">[];
}

const bindPolicies = {
  nsec: "keys { csk lifetime unlimited algorithm ecdsap256sha256; };",
  nsec3:
    "keys { csk lifetime unlimited algorithm ed25519; }; " +
    "nsec3param iterations 0 optout no salt-length 0;",
} as const;

/** named as the primary of a zone, which it signs itself. */
export async function startBindPrimary(place: Place, options: BindOptions): Promise<NameServer> {
  const { zone, algorithm = "hmac-sha256", signing = "nsec", notify = [] } = options;
  const { zoneLines = ["check-names ignore;"] } = options;
  const { folder, address, port } = place;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "zone.db"), zoneFile(options));
  const told = notify.map((to) => `${to.address} port ${to.port};`).join(" ");
  const lines = [
    `key "${keyName}." { algorithm ${algorithm}; secret "${secretText}"; };`,
    `key "${nextKeyName}." { algorithm hmac-sha256; secret "${nextSecretText}"; };`,
    "options {",
    `  directory "${folder}"; pid-file none; session-keyfile none;`,
    `  listen-on port ${port} { ${address}; }; listen-on-v6 { none; };`,
    "  recursion no; dnssec-validation no; notify explicit;",
    `  allow-transfer { key ${keyName}.; key ${nextKeyName}.; };`,
    "};",
    "controls { };",
    `dnssec-policy "discd" { ${bindPolicies[signing]} };`,
    `zone "${zone}" {`,
    '  type primary; file "zone.db"; inline-signing no; dnssec-policy "discd";',
    "  update-policy {",
    ...[keyName, nextKeyName].flatMap((key) => [
      `    deny ${key}. name ns1.${zone}. ANY;`,
      `    deny ${key}. name keep.${zone}. ANY;`,
      `    grant ${key}. zonesub A AAAA PTR SRV TXT TYPE65280;`,
    ]),
    "  };",
    "  max-records-per-type 0;",
    ...(told === "" ? [] : [`  also-notify { ${told} };`]),
    ...zoneLines.map((line) => `  ${line}`),
    "};",
    "",
  ];
  writeFileSync(join(folder, "named.conf"), lines.join("\n"));
  const argv = ["named", "-g", "-n", "1", "-c", join(folder, "named.conf")];
  return NameServer.start(place, zone, argv, / running$/);
}

export interface KnotOptions extends Fixture {
  /** Further lines of the zone. */
  readonly zoneLines?: readonly string[];
  /** Names below which the keys may change something; all, if not given. */
  readonly owners?: readonly string[];
  /** Not primary of the zone, but a secondary of this one. */
  readonly secondaryOf?: Pick<Place, "address" | "port">;
}

/** knotd as the primary of a zone, which it signs itself, or as a secondary. */
export async function startKnot(place: Place, options: KnotOptions): Promise<NameServer> {
  const { zone, algorithm = "hmac-sha256", zoneLines, secondaryOf } = options;
  const { owners } = options;
  const { folder, address, port } = place;
  for (const name of ["run", "db"]) mkdirSync(join(folder, name), { recursive: true });
  if (secondaryOf === undefined) writeFileSync(join(folder, `${zone}.zone`), zoneFile(options));
  const own =
    secondaryOf === undefined
      ? [
          "    acl: [discd_update, discd_transfer]",
          "    dnssec-signing: on",
          "    dnssec-policy: discd",
        ]
      : ["    master: primary", "    acl: [primary_notify, discd_transfer]"];
  const remote =
    secondaryOf === undefined
      ? []
      : [
          "remote:",
          "  - id: primary",
          `    address: ${secondaryOf.address}@${secondaryOf.port}`,
          `    key: ${keyName}.`,
        ];
  const lines = [
    `server:\n    rundir: ${folder}/run\n    listen: ${address}@${port}`,
    `database:\n    storage: ${folder}/db`,
    "log:\n  - target: stdout\n    any: info",
    `key:\n  - id: ${keyName}.\n    algorithm: ${algorithm}\n    secret: ${secretText}`,
    `  - id: ${nextKeyName}.\n    algorithm: hmac-sha256\n    secret: ${nextSecretText}`,
    ...remote,
    `acl:\n  - id: discd_update\n    key: [${keyName}., ${nextKeyName}.]\n    action: update`,
    ...(owners === undefined
      ? ["    update-owner: zone\n    update-owner-match: sub"]
      : [
          "    update-owner: name\n    update-owner-match: sub-or-equal",
          `    update-owner-name: [${owners.join(", ")}]`,
        ]),
    "    update-type: [A, AAAA, PTR, SRV, TXT, TYPE65280, ANY]",
    `  - id: discd_transfer\n    key: [${keyName}., ${nextKeyName}.]\n    action: transfer`,
    "  - id: primary_notify\n    address: 127.0.0.0/8\n    action: notify",
    "policy:\n  - id: discd\n    algorithm: ecdsap256sha256\n    single-type-signing: on",
    `template:\n  - id: default\n    storage: ${folder}`,
    `zone:\n  - domain: ${zone}`,
    ...own,
    ...(zoneLines ?? []).map((line) => `    ${line}`),
    "",
  ];
  writeFileSync(join(folder, "knot.conf"), lines.join("\n"));
  const argv = ["knotd", "-c", join(folder, "knot.conf")];
  return NameServer.start(place, zone, argv, /server started/);
}

/** nsd as a secondary: it takes no updates. */
export async function startNsd(
  place: Place,
  { zone, primary }: { zone: string; primary: Pick<Place, "address" | "port"> },
): Promise<NameServer> {
  const { folder, address, port } = place;
  mkdirSync(folder, { recursive: true });
  const lines = [
    `server:\n  ip-address: ${address}@${port}\n  username: ""\n  zonesdir: "${folder}"`,
    `  xfrdir: "${folder}"\n  xfrdfile: "${folder}/xfrd.state"`,
    `  zonelistfile: "${folder}/zone.list"\n  pidfile: "${folder}/nsd.pid"\n  database: ""`,
    "  verbosity: 2",
    "remote-control:\n  control-enable: no",
    `key:\n  name: "${keyName}."\n  algorithm: hmac-sha256\n  secret: "${secretText}"`,
    `zone:\n  name: "${zone}"\n  zonefile: "zone.db"\n  allow-notify: 127.0.0.0/8 NOKEY`,
    `  request-xfr: ${primary.address}@${primary.port} ${keyName}.`,
    "",
  ];
  writeFileSync(join(folder, "nsd.conf"), lines.join("\n"));
  const argv = ["nsd", "-d", "-c", join(folder, "nsd.conf")];
  return NameServer.start(place, zone, argv, /nsd started/);
}

/** pdns_server with its records in SQLite, as the primary of a zone. */
export async function startPowerdns(place: Place, options: Fixture): Promise<NameServer> {
  const { zone, algorithm = "hmac-sha256" } = options;
  const { folder, address, port } = place;
  mkdirSync(folder, { recursive: true });
  const lines = [
    "launch=gsqlite3",
    `gsqlite3-database=${folder}/pdns.db`,
    "gsqlite3-dnssec=yes",
    `local-address=${address}`,
    `local-port=${port}`,
    `socket-dir=${folder}`,
    "dnsupdate=yes",
    "allow-dnsupdate-from=127.0.0.0/8,10.0.0.0/8",
    "daemon=no",
    "guardian=no",
    "",
  ];
  writeFileSync(join(folder, "pdns.conf"), lines.join("\n"));
  writeFileSync(join(folder, "zone.db"), `$ORIGIN ${zone}.\n${zoneFile(options)}`);
  const schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";
  run(["sh", "-c", `sqlite3 ${folder}/pdns.db <${schema}`]);
  const tell = (...words: readonly string[]) =>
    run(["pdnsutil", `--config-dir=${folder}`, ...words]);
  tell("load-zone", zone, join(folder, "zone.db"));
  tell("import-tsig-key", keyName, algorithm, secretText);
  tell("import-tsig-key", nextKeyName, "hmac-sha256", nextSecretText);
  for (const right of ["TSIG-ALLOW-DNSUPDATE", "TSIG-ALLOW-AXFR"]) {
    tell("set-meta", zone, right, keyName, nextKeyName);
  }
  tell("secure-zone", zone);
  tell("rectify-zone", zone);
  return NameServer.start(
    place,
    zone,
    ["pdns_server", `--config-dir=${folder}`],
    /Done launching threads|Creating backend connection|TCP server bound/,
  );
}
