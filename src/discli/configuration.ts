// What discd.lua says on this host, for the commands that are about it.

import type { Address } from "../address.js";
import { problemsText } from "../config/check-text.js";
import { defaultFile, isNamed } from "../config/files.js";
import { loadSettings } from "../config/load.js";
import type { Settings } from "../config/settings.js";
import { findHostName } from "../os/host.js";
import { type PresentInterface, readInterfaces } from "../os/interfaces.js";
import { addressesOf } from "../os/listening.js";
import { findInterfaceInFiles, loadNative } from "../os/native.js";
import { configuredZones } from "../proxy/zones.js";
import { displayName, type Name } from "../wire/name.js";
import { Failure } from "./command.js";
import { type Delegation, delegationFor } from "./delegation.js";

/** Zones that an error names. */
const zonesNamedMax = 10;

/** The port that resolvers ask. */
const dnsPort = 53;

const isLoopback = (address: Address): boolean =>
  address.family === "ipv4"
    ? address.bytes[0] === 127
    : address.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));

/** Addresses of interfaces without a zone come first: the others may be on the links served. */
function outerAddresses(
  listen: "all" | readonly Address[],
  present: readonly PresentInterface[],
  links: ReadonlySet<string>,
): Address[] {
  const outside = present.filter(({ name }) => !links.has(name));
  const found = [outside, present]
    .map((some) => addressesOf({ listen }, some).filter((address) => !isLoopback(address)))
    .find((addresses) => addresses.length > 0);
  return (found ?? []).filter(({ zone }) => zone === undefined);
}

/** What a file says, and where it says it of. */
export interface Configuration {
  readonly file: string;
  readonly settings: Settings;
  /** Where discd can be reached from elsewhere, as far as this host knows. */
  readonly addresses: readonly Address[];
  /** What this host sends from, whether discd listens there or not. */
  readonly senders: readonly Address[];
}

/**
 * Reads discd.lua, for this host.
 *
 * @throws Failure when it is not there, or wrong
 */
export async function readConfiguration(file: string | undefined): Promise<Configuration> {
  const chosen = file ?? defaultFile;
  if (!isNamed(chosen)) {
    throw new Failure(`${chosen} is not there; name the file with --config FILE`);
  }
  const native = await loadNative();
  const interfaces = readInterfaces(
    "reason" in native ? findInterfaceInFiles : native.findInterface.bind(native),
  );
  const host = { fqdn: findHostName(), interfaces };
  const loaded = await loadSettings({ file: chosen, demo: false }, host, process.env);
  if ("problems" in loaded) {
    const lines = problemsText(loaded.problems).trimEnd();
    throw new Failure(`the configuration is wrong\n${lines}`);
  }
  const { settings } = loaded;
  const links = new Set(settings.links.map(({ name }) => name));
  return {
    file: chosen,
    settings,
    addresses: outerAddresses(settings.listen, interfaces, links),
    senders: outerAddresses("all", interfaces, links),
  };
}

export interface PrintedDelegation {
  readonly delegation: Delegation;
  /** What of the configuration keeps the delegation from working. */
  readonly warnings: readonly string[];
}

/**
 * What the zone `domain` needs for the configuration in `file`.
 *
 * @throws Failure when it cannot be read, or has nothing to say about the domain
 */
export async function readDelegation(
  file: string | undefined,
  domain: Name,
): Promise<PrintedDelegation> {
  const { file: chosen, settings, addresses } = await readConfiguration(file);
  const { ports } = settings;
  const { proxy } = settings.engine;
  const delegation = delegationFor(proxy, domain, addresses);
  if (delegation === undefined) {
    const zones = configuredZones(proxy).map(({ apex }) => displayName(apex));
    const some = zones.slice(0, zonesNamedMax).join(", ");
    const more = zones.length > zonesNamedMax ? ` and ${zones.length - zonesNamedMax} more` : "";
    const served = zones.length === 0 ? "no zone" : `${some}${more}`;
    throw new Failure(`nothing to delegate in ${displayName(domain)}: ${chosen} serves ${served}`);
  }
  const isHeard = ports.udp === dnsPort && ports.tcp === dnsPort;
  const warnings = isHeard ? [] : [`resolvers ask UDP and TCP port ${dnsPort}; see \`port\``];
  return { delegation, warnings };
}
