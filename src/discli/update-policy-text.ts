// The rules of update-policy.ts in the words of BIND, Knot DNS and PowerDNS, as
// docs/update-mode.md explains them. Names are written with all but letters, digits
// and hyphens escaped, so that none can end a string, an entry or a comment.

import { type Address, formatAddress } from "../address.js";
import { displayName, type Name } from "../wire/name.js";
import type { TsigKey } from "../wire/tsig.js";
import { plainestLabel, relative } from "./delegation-formats.js";
import { shellWord } from "./shell-words.js";
import { deniedIn, neverBelow, type ZonePolicy } from "./update-policy.js";

export interface PolicyWords {
  /** Whether keys are printed with their secrets. */
  readonly showsSecrets: boolean;
  /** Whence discd sends updates. */
  readonly addresses: readonly Address[];
}

/** Where a secret belongs that is not shown. */
const placeholder = "@SECRET@";

const full = (name: Name): string =>
  name.labels.length === 0 ? "." : `${name.labels.map(plainestLabel).join(".")}.`;

const short = (name: Name): string => full(name).replace(/(?<=.)\.$/, "");

/** A file's name: without anything that a shell or a path would mind. */
const fileOf = (zone: Name): string =>
  short(zone)
    .toLowerCase()
    .replace(/[^a-z0-9._-]/g, "_");

const secretOf = ({ secret }: TsigKey, { showsSecrets }: PolicyWords): string =>
  showsSecrets ? Buffer.from(secret).toString("base64") : placeholder;

/** Each key once. */
export function keysOf(policies: readonly ZonePolicy[]): readonly TsigKey[] {
  const keys = policies.flatMap(({ key }) => (key === undefined ? [] : [key]));
  return [...new Map(keys.map((key) => [key.name.key, key])).values()];
}

const typesOf = ({ timeoutType }: ZonePolicy): string => `A AAAA PTR SRV TXT TYPE${timeoutType}`;

function bindRules(policy: ZonePolicy): string[] {
  const { zone, key, subdomains, lists, timeoutType } = policy;
  if (key === undefined) return [];
  const who = `"${short(key.name)}"`;
  const denied = subdomains.flatMap((subdomain) => [
    `deny  ${who} name      "${full(subdomain)}" ANY;`,
    `deny  ${who} name      "*.${full(subdomain)}" ANY;`,
    ...deniedIn(subdomain).map((name) => `deny  ${who} subdomain "${full(name)}" ANY;`),
  ]);
  const granted = subdomains.map((subdomain) =>
    subdomain.key === zone.key
      ? `grant ${who} zonesub   ${typesOf(policy)};`
      : `grant ${who} subdomain "${full(subdomain)}" ${typesOf(policy)};`,
  );
  const listed = lists.map(
    (name) => `grant ${who} name      "${full(name)}" PTR TYPE${timeoutType};`,
  );
  return [...denied, ...granted, ...listed];
}

const keyBlock = (key: TsigKey, words: PolicyWords): string =>
  `key "${short(key.name)}" { algorithm ${key.algorithm}; secret "${secretOf(key, words)}"; };`;

/** For named.conf. */
export function bindText(policies: readonly ZonePolicy[], words: PolicyWords): string {
  const lines = ["// discd: for named.conf; an own zone block stays, with these lines in it"];
  for (const key of keysOf(policies)) {
    if (words.showsSecrets) lines.push("", keyBlock(key, words));
    else {
      const path = `/etc/bind/${fileOf(key.name)}.key`;
      lines.push(
        "",
        `// key ${short(key.name)}: the file of discd's key, readable for named alone`,
      );
      lines.push(`include "${path}";`);
    }
  }
  for (const policy of policies) {
    const { zone, key } = policy;
    lines.push(
      "",
      `zone "${short(zone)}" {`,
      "    type primary;",
      `    file "/var/lib/bind/${fileOf(zone)}";`,
      "    update-policy {",
      ...bindRules(policy).map((rule) => `        ${rule}`),
      "    };",
    );
    if (key !== undefined) lines.push(`    allow-transfer { key "${short(key.name)}"; };`);
    lines.push("    check-names ignore;", "    max-records-per-type 0;", "};");
  }
  return `${lines.join("\n")}\n`;
}

/** Owners in the words of Knot, relative to the zone. */
const knotOwners = ({ zone, subdomains, lists }: ZonePolicy): string =>
  [...subdomains, ...lists].map((name) => relative(name, zone, plainestLabel)).join(", ");

/** One rule has to cover all of a message: names of lists, and what is below subdomains. */
function ownerMatch({ subdomains, lists }: ZonePolicy): string {
  if (subdomains.length === 0) return "equal";
  return lists.length > 0 ? "sub-or-equal" : "sub";
}

function knotAcl(policy: ZonePolicy, at: number): string[] {
  const { zone, key, subdomains, timeoutType } = policy;
  if (key === undefined) return [];
  const isWhole = subdomains.some((subdomain) => subdomain.key === zone.key);
  const owners = isWhole
    ? ["    update-owner: zone", "    update-owner-match: sub"]
    : [
        "    update-owner: name",
        `    update-owner-match: ${ownerMatch(policy)}`,
        `    update-owner-name: [${knotOwners(policy)}]`,
      ];
  const types = subdomains.length > 0 ? "A, AAAA, PTR, SRV, TXT" : "PTR";
  return [
    `  - id: discd_update_${at}`,
    `    key: ${short(key.name)}`,
    "    action: update",
    ...owners,
    `    update-type: [${types}, TYPE${timeoutType}, ANY]`,
    `  - id: discd_transfer_${at}`,
    `    key: ${short(key.name)}`,
    "    action: transfer",
  ];
}

/** For knot.conf. It has no rule that keeps single names from a key. */
export function knotText(policies: readonly ZonePolicy[], words: PolicyWords): string {
  const keys = keysOf(policies).flatMap((key) => [
    `  - id: ${short(key.name)}`,
    `    algorithm: ${key.algorithm}`,
    `    secret: "${secretOf(key, words)}"`,
  ]);
  const signed = policies.filter(({ key }) => key !== undefined);
  const zones = signed.flatMap(({ zone }, at) => [
    `  - domain: ${short(zone)}`,
    `    file: ${fileOf(zone)}.zone`,
    `    acl: [discd_update_${at}, discd_transfer_${at}]`,
  ]);
  const hint = words.showsSecrets
    ? []
    : [`# ${placeholder}: what is between the quotes in the file of discd's key`];
  return `${[
    "# discd: for knot.conf; keep records of your own in another zone: no rule protects single names",
    ...hint,
    ...["key:", ...keys],
    ...["acl:", ...signed.flatMap(knotAcl)],
    ...["zone:", ...zones],
  ].join("\n")}\n`;
}

/** In brackets that take everything as it is; names bear no bracket here. */
const luaName = (name: Name): string => `newDN([[${full(name)}]])`;

const luaTexts = (names: readonly Name[]): string =>
  `{ ${names.map((name) => `[[${full(name)}]]`).join(", ")} }`;

const luaNames = (names: readonly Name[]): string => `{ ${names.map(luaName).join(", ")} }`;

/** The script of lua-dnsupdate-policy-script: one for the server, whatever zones it has. */
function policyScript(policies: readonly ZonePolicy[]): string[] {
  const never = neverBelow.map((label) => `"${label}"`).join(", ");
  const rules = policies.flatMap(({ key, subdomains, lists }) =>
    key === undefined
      ? []
      : [
          `  { key = ${luaName(key.name)}, below = ${luaTexts(subdomains)}, lists = ${luaNames(lists)} },`,
        ],
  );
  return [
    "local types = { [1] = true, [12] = true, [16] = true, [28] = true, [33] = true }",
    `local never = { "*", ${never} }`,
    ...["local rules = {", ...rules, "}"],
    "",
    "local function mayBelow(name, subdomain)",
    "  local top = newDN(subdomain)",
    "  if name == top or not name:isPartOf(top) then return false end",
    "  for _, label in ipairs(never) do",
    "    if name:isPartOf(newDN(label .. '.' .. subdomain)) then return false end",
    "  end",
    "  return true",
    "end",
    "",
    "function updatepolicy(input)",
    "  local name, qtype = input:getQName(), input:getQType()",
    "  for _, rule in ipairs(rules) do",
    "    if input:getTsigName() == rule.key and types[qtype] then",
    "      for _, subdomain in ipairs(rule.below) do",
    "        if mayBelow(name, subdomain) then return true end",
    "      end",
    "      for _, list in ipairs(rule.lists) do",
    "        if name == list and qtype == 12 then return true end",
    "      end",
    "    end",
    "  end",
    "  return false",
    "end",
  ];
}

/** A line that no part of the script is. */
const endMark = "discd_policy_ends";

/** For a shell: settings, the script and the commands for the zones. */
export function pdnsText(policies: readonly ZonePolicy[], words: PolicyWords): string {
  const from = words.addresses.map(
    (address) => `${formatAddress(address)}/${address.family === "ipv4" ? 32 : 128}`,
  );
  const hint = words.showsSecrets
    ? []
    : [`# ${placeholder}: what is between the quotes in the file of discd's key`];
  const lines = [
    "# discd: in pdns.conf, with the addresses that discd sends from:",
    "#   dnsupdate=yes",
    `#   allow-dnsupdate-from=${from.join(",") || "ADDRESS/32"}`,
    "#   lua-dnsupdate-policy-script=/etc/powerdns/discd-policy.lua",
    ...hint,
    "",
    `cat >/etc/powerdns/discd-policy.lua <<'${endMark}'`,
    ...policyScript(policies),
    endMark,
    "",
    ...keysOf(policies).map((key) => {
      const secret = shellWord(secretOf(key, words));
      return `pdnsutil import-tsig-key ${shellWord(short(key.name))} ${key.algorithm} ${secret}`;
    }),
  ];
  for (const { zone, key } of policies) {
    if (key === undefined) continue;
    for (const right of ["TSIG-ALLOW-DNSUPDATE", "TSIG-ALLOW-AXFR"]) {
      const who = `${shellWord(short(zone))} ${right} ${shellWord(short(key.name))}`;
      lines.push(`pdnsutil add-meta ${who}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** What has to be minded, a sentence each. */
export function policyRemarks(policies: readonly ZonePolicy[]): readonly string[] {
  return policies.flatMap(({ zone, key, subdomains }) => {
    const shown = displayName(zone);
    if (key === undefined) return [`${shown}: no key; name one as \`update.key\``];
    if (subdomains.length > 0) return [];
    return [`${shown} gets lists of domains; if that is no zone, --zone names the one it is in`];
  });
}
