// The records of a delegation as change batches for Amazon Route 53, as `aws
// route53 change-resource-record-sets --change-batch` takes them. UPSERT: made
// where it is absent, replaced as a whole where it is there.

import { formatAddress } from "../address.js";
import { displayName, type Label, type Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import type { RR } from "../wire/rr.js";
import type { Delegation } from "./delegation.js";
import { type FormedDelegation, setsOf, typeText } from "./delegation-formats.js";

/** Records in one request; one that is upserted counts twice. */
export const batchRecordsMax = 1000 / 2;

/** Characters of all values of one request; those upserted count twice. */
export const batchCharactersMax = 32_000 / 2;

/** Records in one set. */
export const setRecordsMax = 400;

const commentMax = 256;

/** Escapes are octal there, unlike anywhere else in DNS. */
const route53Label = (label: Label): string =>
  label.replace(
    /[^A-Za-z0-9_-]/g,
    (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );

export const route53Name = ({ labels }: Name): string =>
  labels.length === 0 ? "." : `${labels.map(route53Label).join(".")}.`;

function valueText(rdata: Rdata): string {
  switch (rdata.kind) {
    case "ns":
    case "ptr":
      return route53Name(rdata.target);
    case "a":
      return formatAddress({ family: "ipv4", bytes: rdata.address });
    case "aaaa":
      return formatAddress({ family: "ipv6", bytes: rdata.address });
    default:
      throw new TypeError(`a delegation has no ${rdata.kind}`);
  }
}

interface Change {
  readonly Action: "UPSERT";
  readonly ResourceRecordSet: {
    readonly Name: string;
    readonly Type: string;
    readonly TTL: number;
    readonly ResourceRecords: readonly { readonly Value: string }[];
  };
}

function changeOf(set: readonly RR[]): Change {
  const { name, type, ttlSeconds } = set[0] as RR;
  const values = set.map(({ rdata }) => ({ Value: valueText(rdata) }));
  return {
    Action: "UPSERT",
    ResourceRecordSet: {
      Name: route53Name(name),
      Type: typeText(type),
      TTL: ttlSeconds,
      ResourceRecords: values,
    },
  };
}

const recordsIn = ({ ResourceRecordSet: { ResourceRecords } }: Change): number =>
  ResourceRecords.length;

const charactersIn = ({ ResourceRecordSet: { ResourceRecords } }: Change): number =>
  ResourceRecords.reduce((sum, { Value }) => sum + Value.length, 0);

/** As many changes in a batch as one request may have. */
function batchesOf(changes: readonly Change[]): Change[][] {
  const batches: Change[][] = [];
  let records = 0;
  let characters = 0;
  for (const change of changes) {
    records += recordsIn(change);
    characters += charactersIn(change);
    const last = batches.at(-1);
    if (last !== undefined && records <= batchRecordsMax && characters <= batchCharactersMax) {
      last.push(change);
      continue;
    }
    batches.push([change]);
    records = recordsIn(change);
    characters = charactersIn(change);
  }
  return batches;
}

/** One batch as people read it; several ones a line each, so that `split -l 1` parts them. */
export function route53Text({ origin, parts }: Delegation): FormedDelegation {
  const zone = displayName(origin);
  const comment = `discd: delegations and browse domains in ${zone}`.slice(0, commentMax);
  const changes = setsOf(parts.flatMap(({ rrs }) => rrs)).map(changeOf);
  const batches = batchesOf(changes).map((Changes) => ({ Comment: comment, Changes }));
  const warnings = changes
    .filter(
      (change) => recordsIn(change) > setRecordsMax || charactersIn(change) > batchCharactersMax,
    )
    .map(({ ResourceRecordSet: { Name, Type } }) => {
      const remedy = "delegate a domain for each building, and browse those";
      return `Route 53 does not take so many ${Type} records of ${Name}: ${remedy}`;
    });
  const [only] = batches;
  if (batches.length === 1) return { text: `${JSON.stringify(only, null, 2)}\n`, warnings };
  warnings.push(`${batches.length} change batches, a line each: split -l 1 makes files of them`);
  return { text: batches.map((batch) => `${JSON.stringify(batch)}\n`).join(""), warnings };
}
