// `update audit`: what stands in a zone that discd publishes into, and who is behind it.

import { formatAddress } from "../../address.js";
import type { Outcome } from "../../update/exchange.js";
import { clockReason } from "../../update/verdict.js";
import { rcodeName, typeName } from "../../wire/codes.js";
import { displayName } from "../../wire/name.js";
import { formatRdata } from "../../wire/rdata/text.js";
import { decodeTimeout, formatTimeout } from "../../wire/timeout.js";
import { TsigError } from "../../wire/tsig.js";
import { Api } from "../api.js";
import { type AuditSource, auditSource } from "../audit-sources.js";
import { renderColumns } from "../columns.js";
import { ExitStatus, Failure, type Request } from "../command.js";
import { type Configuration, readConfiguration } from "../configuration.js";
import { shown, typedName } from "../names.js";
import type { updateAuditOptions } from "../options.js";
import { asJson } from "../render.js";
import { resolverFor } from "../resolvers.js";
import { type AuditedRR, auditCounts, auditOf, faultStates } from "../update-audit.js";
import { transferZone } from "../zone-transfer.js";

type Audit = Request<typeof updateAuditOptions>;

/** Rows that are printed: a zone at its limit has 20,000 records. */
const rowsMax = 50_000;

async function configurationOf({ options }: Audit): Promise<Configuration | undefined> {
  try {
    return await readConfiguration(options.config);
  } catch (error) {
    if (options.config === undefined && error instanceof Failure) return undefined;
    throw error;
  }
}

/** Why there is no copy, and what to try next. */
function refusal(outcome: Outcome, { key, endpoint }: AuditSource): Failure {
  const where = `${formatAddress(endpoint.address)} port ${endpoint.port}`;
  const who = key === undefined ? "a host without a key" : `the key ${displayName(key.name)}`;
  if (outcome.kind === "clock") {
    return new Failure(`${where}: ${clockReason(outcome.offsetSeconds)}`, ExitStatus.untested);
  }
  if (outcome.kind !== "failed") throw new TypeError(`a transfer ends in ${outcome.kind}`);
  const { rcode, tsigError, reason } = outcome;
  const said = rcode === undefined ? "" : ` (${rcodeName(rcode)})`;
  const remedies: Readonly<Record<number, string>> = {
    [TsigError.BADKEY]: `it does not know ${who}: name and algorithm, on both sides`,
    [TsigError.BADSIG]: `it has another secret for ${who}: copy the key file again`,
  };
  const remedy =
    (tsigError === undefined ? undefined : remedies[tsigError]) ??
    (rcode === undefined
      ? "is it the zone's primary, and is TCP let through?"
      : `allow transfers to ${who} (allow-transfer), name it by --key FILE, or another --server`);
  return new Failure(`${where}: ${reason}${said}; ${remedy}`, ExitStatus.untested);
}

/** `1 h 12 min`, `-3 d`: the two largest units at most. */
export function lifeText(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const sign = seconds < 0 ? "-" : "";
  if (minutes >= 2880) return `${sign}${Math.floor(minutes / 1440)} d`;
  if (minutes >= 60) return `${sign}${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${sign}${minutes} min`;
}

function dataText({ type, rdata }: AuditedRR["rr"], timeoutType: number): string {
  if (type === timeoutType && rdata.kind === "opaque") {
    const timeout = decodeTimeout(rdata.bytes);
    if (timeout !== undefined) return formatTimeout(timeout);
  }
  return formatRdata(type, rdata);
}

/** Names are compared without the case of ASCII letters alone (RFC 4343). */
const folded = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** What discd itself says of the zone; undefined where none answers. */
async function saidByDiscd(request: Audit, zone: string) {
  try {
    const { updates } = await new Api(request).get("/v1/updates");
    return updates.filter((one) => one.zone !== null && folded(one.zone) === folded(zone));
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const meanings = {
  expired: "ended, and still there: does any discd look after the zone?",
  orphan: "nobody looks after these: remove them, or if they are yours, move them to another zone",
  idle: "TIMEOUT records that speak for nothing",
  unreadable: "TIMEOUT records that cannot be read",
  missing: "written once, and gone: somebody else removed them",
  unknown: "without a lifetime; whose they are only the state file of their discd tells",
  foreign: "an administrator's",
  own: "of this host's discd",
  alive: "of another discd, by their lifetimes",
} as const;

export async function run(request: Audit): Promise<ExitStatus> {
  const { words, options, server, style, output } = request;
  const zone = typedName(words[0] as string);
  const configuration = await configurationOf(request);
  const resolver = await resolverFor({ ...request, server: undefined });
  const source = await auditSource({
    ...{ zone, server, keyFile: options.key, configuration, resolver },
  });
  const place = formatAddress(source.endpoint.address);
  const outcome = await output.waiting(
    `a copy of the zone by ${place}`,
    transferZone(zone, source),
  );
  if (outcome.kind !== "copy") throw refusal(outcome, source);
  const { copy } = outcome;
  const { own, timeoutType } = source;
  const all = auditOf({ copy, own, timeoutType, nowSeconds: Date.now() / 1000 });
  const counts = auditCounts(all);
  const updates = await saidByDiscd(request, displayName(zone));
  const isFaulty = [...counts.keys()].some((state) => faultStates.has(state));
  if (style.json) {
    output.print(
      asJson({
        zone: shown(zone, style),
        serial: copy.serial,
        server: place,
        stateFile: own === undefined ? null : own.length,
        discd: updates ?? null,
        counts: Object.fromEntries(counts),
        records: all.map(({ rr, state, leftSeconds }) => ({
          state,
          name: shown(rr.name, style),
          type: typeName(rr.type),
          rdata: dataText(rr, timeoutType),
          leftSeconds: leftSeconds === undefined ? null : Math.round(leftSeconds),
        })),
      }),
    );
    return isFaulty ? ExitStatus.nothing : ExitStatus.done;
  }
  const told = all.filter(({ state }) => options.all || (state !== "own" && state !== "alive"));
  output.print(
    renderColumns(
      told.slice(0, rowsMax),
      [
        { heading: "state", cell: ({ state }: AuditedRR) => state },
        { heading: "left", cell: ({ leftSeconds }: AuditedRR) => lifeText(leftSeconds) },
        { heading: "name", cell: ({ rr }: AuditedRR) => shown(rr.name, style) },
        { heading: "type", cell: ({ rr }: AuditedRR) => typeName(rr.type) },
        { heading: "rdata", cell: ({ rr }: AuditedRR) => dataText(rr, timeoutType) },
      ],
      output,
    ),
  );
  const { ownFault } = source;
  if (ownFault !== undefined) output.complain(`no state file was read: ${ownFault}`);
  for (const one of updates ?? []) {
    output.complain(`discd: ${one.published} records published of ${one.wanted}, ${one.step}`);
  }
  for (const [state, count] of counts) output.complain(`${count} ${state}: ${meanings[state]}`);
  if (counts.size === 0) output.complain("nothing but the zone's own records");
  return isFaulty ? ExitStatus.nothing : ExitStatus.done;
}
