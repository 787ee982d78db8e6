// Which rule decides what a client gets to a question: the same steps as a real
// query takes (query/queries.ts, proxy/local.ts), in the same order, and instead of
// an answer the one that ended it, in words.

import { parseAddress } from "../address.js";
import { isDelegationType, isMetadataName } from "../proxy/admin.js";
import { atEnumerationName } from "../proxy/enumeration.js";
import { localAnswer } from "../proxy/local.js";
import type { ServiceRules } from "../proxy/options.js";
import { fits } from "../proxy/pattern.js";
import { toLink } from "../proxy/rewrite.js";
import { typeOf } from "../proxy/services.js";
import { isShortcut } from "../proxy/shortcuts.js";
import { staticAnswer } from "../proxy/static-answer.js";
import type { Tables } from "../proxy/tables.js";
import type { LinkZone, Zone } from "../proxy/zones.js";
import { parseType, RRClass, typeName } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import type { Question } from "../wire/message.js";
import { displayName, labelsBelow, parseName } from "../wire/name.js";
import type { PolicyView } from "./shapes.js";
import type { PolicyQuestion } from "./state.js";

type Decided = Pick<PolicyView, "verdict" | "rule">;

/** @returns text: what is wrong with the question */
export function explain(tables: Tables, asked: PolicyQuestion): PolicyView | string {
  const address = parseAddress(asked.client);
  if (address === undefined) return `client: "${asked.client}" is no address`;
  const type = parseType(asked.type);
  if (type === undefined) return `type: "${asked.type}" is no record type`;
  const question = questionOf(asked.name, type);
  if (typeof question === "string") return question;
  const zone = tables.zones.find(question.name);
  const client = tables.clients.classify(address);
  const { options } = tables;
  const view = (decided: Decided): PolicyView => ({
    name: displayName(question.name),
    type: typeName(type),
    client: asked.client,
    ...decided,
    zone: zone === undefined ? null : displayName(zone.apex),
    link: zone?.link?.link ?? null,
  });
  if (!client.isAllowed) return view(refusal(options.refuse, "the client is in no 'allow' list"));
  if (zone === undefined) return view(outside(tables, question));
  if (!client.allows(zone)) {
    const list = zone.link === undefined ? "'allow'" : `'allow' of ${zone.link.link}`;
    return view(refusal(options.refuse, `the client may ask, but ${list} does not have it`));
  }
  return view(inside(tables, zone, question, client));
}

const refusal = (how: "answer" | "drop", rule: string): Decided => ({
  verdict: how === "drop" ? "dropped" : "refused",
  rule,
});

function outside(tables: Tables, { name }: Question): Decided {
  return tables.zones.isForbidden(name)
    ? { verdict: "nxdomain", rule: "names like this exist on links alone (RFC 6762 §22.1)" }
    : { verdict: "refused", rule: "the name is in none of the zones served here" };
}

function inside(
  tables: Tables,
  zone: Zone,
  question: Question,
  client: ReturnType<Tables["clients"]["classify"]>,
): Decided {
  const found = localAnswer(tables, zone, question, client);
  if (found === undefined) return { verdict: "link", rule: shownBy(zone as LinkZone, question) };
  const verdict = found.answers.length > 0 ? "local" : "negative";
  return { verdict, rule: localRule(tables, zone, question, client) };
}

/** Why the link is not asked: the step of proxy/local.ts that ended it. */
function localRule(
  tables: Tables,
  zone: Zone,
  question: Question,
  client: ReturnType<Tables["clients"]["classify"]>,
): string {
  const below = labelsBelow(question.name, zone.apex) ?? [];
  if (below.length === 0) return "the zone's own records: SOA, NS and 'records'";
  if (zone.kind === "records") return "a zone of 'records' alone";
  if (isDelegationType(question.type)) return "no zone lies below this one";
  if (isMetadataName(below)) return "what discd offers: Push, LLQ, DNS over TLS";
  if (staticAnswer(tables, question, client) !== undefined) return "a name of 'records'";
  if (atEnumerationName(zone, below, question, client) !== undefined) {
    return "domain enumeration: 'browse', or the link's own zone";
  }
  if (isShortcut(zone, below, question)) return "a name below which no device has anything";
  const asked = toLink(zone, question.name);
  if (asked === undefined) return "the name is too long for a link";
  return decidingRule(zone.link.services, typeOf(asked) ?? "");
}

/** The rule that lets a service pass, or that there is none. */
function shownBy(zone: LinkZone, { name }: Question): string {
  const asked = toLink(zone, name);
  const type = asked === undefined ? undefined : typeOf(asked);
  if (type === undefined) return "no rule is about this name; the link is asked";
  return `${decidingRule(zone.link.services, type)}; the link is asked`;
}

/** The step of `isShown` that decides. */
function decidingRule(rules: ServiceRules, type: string): string {
  for (let step: ServiceRules | undefined = rules; step !== undefined; step = step.otherwise) {
    const allow = step.allow.find((pattern) => fits(pattern, type));
    if (allow !== undefined) return `services: allow '${allow}' shows ${type}`;
    const deny = step.deny.find((pattern) => fits(pattern, type));
    if (deny !== undefined) return `services: deny '${deny}' hides ${type}`;
    if (step.otherwise === undefined) {
      const does = step.default === "allow" ? "shows" : "hides";
      return `services: default '${step.default}' ${does} ${type}`;
    }
  }
  return `nothing hides ${type}`;
}

/** Text: what is wrong with it. */
function questionOf(text: string, type: number): Question | string {
  try {
    return { name: parseName(text), type, class: RRClass.IN };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return `name is no name: ${error.message}`;
  }
}
