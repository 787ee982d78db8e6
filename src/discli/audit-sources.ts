// What an audit reads besides the zone: where it is to be had and with which key,
// by discd.lua or the command line, and what discd's state file calls its own.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Endpoint, parseAddress } from "../address.js";
import { chooseKey, readKeyFile } from "../config/key-file.js";
import { fileBytesMax, journalName, lineMax } from "../os/journal-files.js";
import type { Resolver } from "../os/resolver.js";
import { readJournal } from "../update/journal.js";
import { keyFor, type UpdateTarget } from "../update/options.js";
import type { DialTls } from "../update/post.js";
import { RRType } from "../wire/codes.js";
import { displayName, equalNames, formatName, isWithin, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { usualTimeoutType } from "../wire/timeout.js";
import type { TsigKey } from "../wire/tsig.js";
import { Failure } from "./command.js";
import type { Configuration } from "./configuration.js";
import { findServer } from "./server.js";

export interface AuditSource {
  readonly endpoint: Endpoint;
  readonly tls: DialTls | undefined;
  readonly key: TsigKey | undefined;
  readonly timeoutType: number;
  /** The state file, and what it calls its own; undefined: there is none that can be read. */
  readonly own: readonly RR[] | undefined;
  /** Why there is none. */
  readonly ownFault: string | undefined;
}

export interface AuditWishes {
  readonly zone: Name;
  /** `--server`. */
  readonly server: string | undefined;
  /** `--key`. */
  readonly keyFile: string | undefined;
  readonly configuration: Configuration | undefined;
  readonly resolver: Resolver;
}

/** The link whose records may be in the zone. */
function targetFor({ settings }: Configuration, zone: Name): UpdateTarget | undefined {
  const targets = settings.engine.links.flatMap(({ published = [] }) =>
    published.map(({ target }) => target),
  );
  return (
    targets.find(({ primary }) => primary.zone !== undefined && equalNames(primary.zone, zone)) ??
    targets.find(({ subdomain }) => isWithin(subdomain, zone)) ??
    targets.find(({ primary }) => primary.within.some((one) => isWithin(one, zone))) ??
    targets[0]
  );
}

/** @throws Failure */
function keyIn(file: string): TsigKey {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`--key ${file}: ${code}; try it as root, or name another file`);
  }
  const keys = readKeyFile(text);
  if ("line" in keys) throw new Failure(`${file}:${keys.line}: ${keys.text}`);
  const chosen = chooseKey(keys, undefined);
  if ("fault" in chosen) throw new Failure(`${file}: ${chosen.fault}`);
  return chosen;
}

const endpointOf = (address: string, port: number): Endpoint => {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Failure(`${address} is no address`);
  return { address: parsed, port };
};

/** Who keeps the zone: --server, discd.lua, or the SOA record's first name. */
async function primaryOf(
  { zone, server, resolver }: AuditWishes,
  target: UpdateTarget | undefined,
): Promise<{ endpoint: Endpoint; isTls: boolean; host: Name | undefined }> {
  if (server !== undefined) {
    const { address, port } = await findServer(server);
    return { endpoint: endpointOf(address, port), isTls: false, host: undefined };
  }
  const isTls = target?.primary.transport === "tls";
  const named = target?.primary.server;
  const port = named?.port ?? (isTls ? 853 : 53);
  if (named !== undefined && !("labels" in named.host)) {
    return { endpoint: { address: named.host, port }, isTls, host: undefined };
  }
  const host = named === undefined ? await mnameOf(resolver, zone) : (named.host as Name);
  for (const type of [RRType.A, RRType.AAAA]) {
    const { message } = await resolver.ask(host, type);
    for (const { rdata } of message.answers) {
      if (rdata.kind === "a") {
        return {
          endpoint: { address: { family: "ipv4", bytes: rdata.address }, port },
          isTls,
          host,
        };
      }
      if (rdata.kind === "aaaa") {
        return {
          endpoint: { address: { family: "ipv6", bytes: rdata.address }, port },
          isTls,
          host,
        };
      }
    }
  }
  throw new Failure(`no address of ${displayName(host)} is known: name the primary by --server`);
}

async function mnameOf(resolver: Resolver, zone: Name): Promise<Name> {
  const { message } = await resolver.ask(zone, RRType.SOA);
  for (const { name, rdata } of message.answers) {
    if (rdata.kind === "soa" && equalNames(name, zone)) return rdata.mname;
  }
  const shown = displayName(zone);
  throw new Failure(`the resolver knows no zone ${shown}: name its primary by --server ADDR`);
}

/** What the state file calls its own, if it is there and may be read. */
export function ownRecords(
  folder: string,
  zone: Name,
): { readonly own: readonly RR[] } | { readonly fault: string } {
  const path = join(folder, journalName(zone));
  try {
    const { size } = statSync(path);
    if (size > fileBytesMax) return { fault: `${path} is too long` };
    const [head, ...lines] = readFileSync(path, "latin1").split("\n");
    if (head !== `zone ${formatName(zone)}`) {
      // The file's name says the same, whatever the case of the letters.
      if (!/^zone \S+$/.test(head ?? "")) return { fault: `${path} is no state file` };
    }
    lines.pop();
    return readJournal(lines.filter((line) => line.length <= lineMax));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return {
      fault: code === "ENOENT" ? `there is no ${path}` : `${path}: ${code}; try it as root`,
    };
  }
}

/** @throws Failure, ResolverError */
export async function auditSource(wishes: AuditWishes): Promise<AuditSource> {
  const { zone, keyFile, configuration } = wishes;
  const target = configuration && targetFor(configuration, zone);
  const { endpoint, isTls, host } = await primaryOf(wishes, target);
  const name = target?.tls.name ?? (host && displayName(host));
  const { ca, pins = [] } = target?.tls ?? {};
  const tls = isTls ? { serverName: name, pins, ...(ca === undefined ? {} : { ca }) } : undefined;
  const key = keyFile === undefined ? target && keyFor(target, zone) : keyIn(keyFile);
  const read = configuration && ownRecords(configuration.settings.updateState, zone);
  return {
    endpoint,
    tls,
    key,
    timeoutType: target?.timeoutType ?? usualTimeoutType,
    own: read !== undefined && "own" in read ? read.own : undefined,
    ownFault:
      read === undefined ? "there is no discd.lua" : "fault" in read ? read.fault : undefined,
  };
}
