// Every bound of the search for zones, each with the reason for its size.

import { type Duration, seconds } from "../time.js";

/** From one search of a link to the next: 5 minutes and a tenth either way (UP-5). */
export const roundSpan: { readonly low: Duration; readonly high: Duration } = {
  low: seconds(270),
  high: seconds(330),
};

/** After a search that could not be finished: soon at first, then as usual. */
export const retryFirst: Duration = seconds(15);

/** What was learned holds without being confirmed for three of the longest rounds. */
export const entrySpan: Duration = seconds(3 * 330);

/**
 * A network for which this many searches in a row fail, while those for another on the link do
 * not, has no name: its reverse zone is nobody's. 45 s: a server that restarts is back by then.
 */
export const failuresMax = 3;

/** Signals and changes of address come in bursts: least time between two searches of a link. */
export const roundGapMin: Duration = seconds(1);

/** Links that are searched at once; the others wait, so that no resolver sees a flood. */
export const roundsMax = 16;

/** Networks of a link that are searched; of a host that has been given more, the first. */
export const networksMax = 16;

/** Own addresses of a link whose names are looked up. */
export const addressesMax = 8;

/** Names that one address, or one answer of name servers, is taken to have. */
export const namesMax = 4;

/** Domains whose browse lists are read. */
export const domainsMax = 16;

/** Names of one list that are looked at; a list of more is a mistake, or worse. */
export const candidatesMax = 16;

/** Addresses of the parent's servers that are asked for a delegation. */
export const parentServersMax = 4;

/** Zones above a name that are tried until one has an SOA. */
export const walkStepsMax = 8;

/** CNAMEs that are followed inside an answer. */
export const aliasesMax = 8;

/** Questions of one search. All the bounds above together stay below it but on purpose. */
export const questionsMax = 300;

/** An answer that has not come after this will not come; resolvers give up sooner. */
export const answerPatience: Duration = seconds(20);

/** A zone leaves room for an instance of 63 bytes and the longest type, `_` and 15 bytes, `_tcp`. */
export const zoneBytesMax = 255 - 64 - 17 - 5;
