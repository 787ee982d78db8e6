// The keys of `update`: how zones of other servers are kept, at the top level and,
// where single keys differ, in an entry of `interfaces`. None has a default of its
// own, since an entry inherits what it leaves out; the defaults stand in
// update-values.ts.

import { type Address, formatAddress, parseAddress } from "../address.js";
import { isPin } from "../pins.js";
import { foldLabel, type Name } from "../wire/name.js";
import { filePath } from "./paths.js";
import { inside, type Where } from "./report.js";
import {
  type Check,
  type Checked,
  elsewhere,
  oneOrMore,
  optional,
  preset,
  refuse,
  table,
} from "./shapes.js";
import { signingKey, type WrittenKey } from "./signing-key.js";
import { choice, flag, integer, name, nameFrom, wholeSeconds } from "./words.js";

/** Private use of RFC 6895 §3.1 ends with this one, where BIND keeps notes of its signer. */
const signerType = 65_534;
const privateTypes = { first: 65_280, last: signerType - 1 } as const;

/** A server by address, or by a host's name. */
export type WrittenServer = Name | Address;

/** A name at which something may be changed (UP-9). */
export const changeableName: Check<Name> = (value, where) => {
  const given = name(value, where);
  return given !== undefined && isChangeable(given, where) ? given : undefined;
};

/** Reports names that nobody's updates may concern, whoever lists them. */
export function isChangeable({ labels }: Name, where: Where): boolean {
  const last = foldLabel(labels.at(-1) ?? "");
  if (last === "local") {
    where.report.problem(where, "local is for multicast DNS; no server has it");
  } else if (labels.length < 2) {
    const text = "has one label: updates never concern a whole top-level domain";
    where.report.problem(where, text);
  } else return true;
  return false;
}

/** A host as certificates name it. */
const hostText = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/;
/** An address with an error in it: no top-level domain is a number. */
const numberLast = /(^|\.)\d+\.?$/;

const server: Check<WrittenServer> = (value, where) => {
  const wanted = "an address or a host's name such as 'ns1.example.com'";
  if (value.kind !== "string" || !value.isUtf8) return refuse(value, where, wanted);
  const address = parseAddress(value.text);
  if (address !== undefined) return isOneHost(address, where) ? address : undefined;
  if (/^\[.*\]|^[^:]+:\d+$/.test(value.text)) {
    where.report.problem(where, "must be without a port: that is the key port");
    return undefined;
  }
  const isName = hostText.test(value.text) && !numberLast.test(value.text);
  return isName ? nameFrom(value.text, where) : refuse(value, where, wanted);
};

function isOneHost(address: Address, where: Where): boolean {
  const [first = 0] = address.bytes;
  const isMany = first >= (address.family === "ipv6" ? 0xff : 224);
  if (!isMany && address.bytes.some((byte) => byte !== 0)) return true;
  where.report.problem(where, `${formatAddress(address)} is not one host's address`);
  return false;
}

const certificateName: Check<string> = (value, where) => {
  const isHost = value.kind === "string" && value.isUtf8 && hostText.test(value.text);
  if (isHost) return value.text.replace(/\.$/, "");
  const isAddress = value.kind === "string" && parseAddress(value.text) !== undefined;
  return isAddress
    ? value.text
    : refuse(value, where, "a host's name such as 'ns1.example.com', as the certificate has it");
};

const pin: Check<string> = (value, where) =>
  value.kind === "string" && isPin(value.text)
    ? value.text
    : refuse(
        value,
        where,
        "'sha256/' and base64 of a public key's SHA-256, or a certificate's in hexadecimal",
      );

const timeoutType: Check<number> = (value, where) => {
  const { first, last } = privateTypes;
  const number = value.kind === "number" ? value.value : Number.NaN;
  if (number === signerType || number === signerType + 1) {
    const reason =
      number === signerType ? "BIND keeps notes of its signer under it" : "it is reserved";
    where.report.problem(
      where,
      `${number} cannot be: ${reason}; take one from ${first} to ${last}`,
    );
    return undefined;
  }
  return integer(first, last)(value, where);
};

/** One key of `keys`. */
export interface WrittenZoneKey {
  readonly zone: Name;
  readonly key: WrittenKey;
}

/** `keys = { zone = key }`: names of zones are the keys. */
const zoneKeys: Check<readonly WrittenZoneKey[]> = (value, where) => {
  const wanted = "must be a table { ['1.10.in-addr.arpa'] = { file = 'FILE' } }";
  if (value.kind !== "table") {
    // It may be a secret that got into the wrong place.
    where.report.problem(where, wanted);
    return undefined;
  }
  const seen = new Set<string>();
  return value.entries.flatMap((entry) => {
    const at = inside(where, entry.key, entry.spot);
    if (typeof entry.key !== "string") {
      at.report.problem(at, `is for no zone; keys ${wanted}`);
      return [];
    }
    const zone = nameFrom(entry.key, at);
    const key = signingKey(entry.value, at);
    if (zone === undefined || key === undefined) return [];
    if (seen.has(zone.key)) at.report.problem(at, "has a key already, in other capitals");
    seen.add(zone.key);
    return [{ zone, key }];
  });
};

const tlsKeys = {
  name: optional(certificateName, "the name that the server's certificate has to bear"),
  ca: optional(filePath, "the file with the authorities that count, in PEM form"),
  pin: preset(oneOrMore(pin), [], "public keys, one of which the server has to show"),
};

const perLink = {
  server: optional(server, "the server that takes the updates"),
  port: optional(integer(1, 65_535), "its port"),
  transport: optional(choice("tcp", "tls"), "how it is reached"),
  tls: optional(table(tlsKeys), "whom to trust at the other end of TLS"),
  zone: optional(changeableName, "the zone in which the subdomains lie"),
  within: optional(oneOrMore(changeableName), "nothing outside of these names is changed"),
  key: optional(signingKey, "the key that signs the updates"),
  keys: optional(zoneKeys, "keys of single zones"),
  allow_unauthenticated: optional(flag, "go on without a key"),
  lifetime: optional(choice("timeout", "lease", "none"), "how records end that nobody removes"),
  max_ttl: optional(wholeSeconds(1, 86_400), "cap of the TTLs written"),
  withdraw_on_exit: optional(flag, "a clean stop removes what was published"),
  timeout_type: optional(timeoutType, "number of the TIMEOUT type"),
  trust_clock: optional(flag, "write absolute times although nothing is known to set the clock"),
};

/** Of the whole daemon. */
export const updateKeys = {
  ...perLink,
  state: optional(filePath, "the folder that remembers what was published"),
};

/** Of one link. */
export const linkUpdateKeys = {
  ...perLink,
  state: elsewhere("is one folder for all links; write it into the update table of the top level"),
};

export type WrittenUpdate = Checked<typeof perLink>;
