// `watch-resolvers SERVER SERVER …`: which of some servers is the bad one. Each is
// asked the same, at a rate that harms none of them, until Ctrl-C.

import { placeOf, type Server } from "../../os/resolv-conf.js";
import { Resolver, ResolverError } from "../../os/resolver.js";
import { parseType, RRType, typeName } from "../../wire/codes.js";
import type { Name } from "../../wire/name.js";
import { renderColumns } from "../columns.js";
import { ExitStatus, type Request, UsageError } from "../command.js";
import { untilInterrupted } from "../interrupt.js";
import { shown, typedName } from "../names.js";
import type { watchResolversOptions } from "../options.js";
import { asJson } from "../render.js";
import { type Report, ResolverTally, type Sample } from "../resolver-tally.js";
import { findServer } from "../server.js";

type WatchRequest = Request<typeof watchResolversOptions>;

const serversMax = 16;
/** Seconds between two questions to one server. */
const everyLeast = 0.1;
const everyUsual = 0.5;
/** Between two tables, in milliseconds. */
const reportEvery = 10_000;
const lookEvery = 1000;
/** For one answer; long enough for what a resolver has to find out. */
const patience = 2000;

interface Watched {
  readonly text: string;
  readonly server: Server;
}

export async function run(request: WatchRequest): Promise<ExitStatus> {
  const { words, options, output, style } = request;
  const every = seconds("every", options.every, everyLeast) ?? everyUsual;
  const during = seconds("during", options.during, 1);
  const question = questionOf(request);
  const servers = await serversOf(words);
  const tally = new ResolverTally(servers.map(({ text }) => text));
  const known = new Set<string>();
  const whole = request.timeout ?? patience;
  const what = `${shown(question.name, style)} ${typeName(question.type)}`;
  const rate = `every ${every} s`;
  output.complain(`asking ${servers.length} servers for ${what} ${rate}; Ctrl-C ends it`);
  const ask = (one: Watched) =>
    void askOnce(one, question, whole).then((sample) => {
      tally.take(one.text, performance.now(), sample);
    });
  const askAll = () => servers.forEach(ask);
  askAll();
  const timers = [
    setInterval(askAll, every * 1000),
    setInterval(() => tellFlags(tally, known, request), lookEvery),
    setInterval(() => print(tally.reports(performance.now()), request), reportEvery),
  ];
  await endOf(during);
  for (const timer of timers) clearInterval(timer);
  const reports = tally.reports(performance.now());
  tellFlags(tally, known, request);
  print(reports, request);
  if (reports.every(({ answered }) => answered === 0)) return ExitStatus.failed;
  return reports.some(({ flags }) => flags.length > 0) ? ExitStatus.nothing : ExitStatus.done;
}

function seconds(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value >= least && value <= 86_400) return value;
  throw new UsageError(`--${option} ${text}: write seconds, ${least} or more`);
}

function questionOf({ options }: WatchRequest): { readonly name: Name; readonly type: number } {
  const type = options.type === undefined ? undefined : parseType(options.type.toUpperCase());
  if (options.type !== undefined && type === undefined) {
    throw new UsageError(`--type ${options.type}: that is no record type`);
  }
  // Every resolver has it, and has it at hand.
  if (options.name === undefined) return { name: typedName("."), type: type ?? RRType.NS };
  return { name: typedName(options.name), type: type ?? RRType.A };
}

async function serversOf(words: readonly string[]): Promise<Watched[]> {
  const texts = [...new Set(words)];
  if (texts.length > serversMax) {
    throw new UsageError(`watch-resolvers: at most ${serversMax} servers at once`);
  }
  return Promise.all(texts.map(async (text) => ({ text, server: await findServer(text) })));
}

/** One question without repetition, or what is lost would not be seen. */
async function askOnce(
  { server }: Watched,
  { name, type }: { readonly name: Name; readonly type: number },
  whole: number,
): Promise<Sample> {
  const start = performance.now();
  try {
    const resolver = new Resolver([server], { whole, resend: whole * 2 });
    const { message } = await resolver.ask(name, type);
    return { kind: "answer", ms: performance.now() - start, rcode: message.rcode };
  } catch (error) {
    if (!(error instanceof ResolverError)) throw error;
    if (performance.now() - start >= whole) return { kind: "timeout" };
    return { kind: "failure", reason: error.message.replace(`${placeOf(server)}: `, "") };
  }
}

function endOf(during: number | undefined): Promise<void> {
  const interrupted = untilInterrupted();
  return new Promise((resolve) => {
    interrupted.addEventListener("abort", () => resolve());
    if (during !== undefined) setTimeout(resolve, during * 1000);
  });
}

/** A server that becomes bad is told at once, and one that gets better. */
function tellFlags(
  tally: ResolverTally,
  known: Set<string>,
  { output, style }: WatchRequest,
): void {
  if (style.json) return;
  for (const { server, flags } of tally.reports(performance.now())) {
    const isFlagged = flags.length > 0;
    if (isFlagged === known.has(server)) continue;
    if (isFlagged) {
      known.add(server);
      output.complain(`${server}: ${flags.join(", ")}`);
    } else {
      known.delete(server);
      output.complain(`${server}: well again`);
    }
  }
}

const columns = [
  { heading: "server", cell: ({ server }: Report) => server },
  { heading: "asked", cell: ({ asked }: Report) => asked },
  { heading: "p50 ms", cell: ({ p50 }: Report) => p50 },
  { heading: "p95 ms", cell: ({ p95 }: Report) => p95 },
  { heading: "timeouts", cell: ({ timeouts }: Report) => timeouts },
  { heading: "servfail", cell: ({ servfail }: Report) => servfail },
  { heading: "failures", cell: ({ failures }: Report) => failures },
  { heading: "verdict", cell: ({ flags }: Report) => (flags.length === 0 ? "ok" : flags) },
] as const;

function print(reports: readonly Report[], { output, style }: WatchRequest): void {
  if (style.json) for (const report of reports) output.print(asJson(report, 0));
  else output.print(renderColumns(reports, columns, output));
}
