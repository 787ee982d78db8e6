// The running daemon: the configuration in force, the driver and the engine
// under it, and what makes them change: signals and interfaces. One load at a
// time; a configuration that is wrong leaves the old one in force.

import { formatAddress, formatPrefix } from "../address.js";
import type { ReloadOutcome } from "../api/state.js";
import type { Device } from "../api/surroundings.js";
import { problemText } from "../config/check-text.js";
import { defaultFile, isNamed } from "../config/files.js";
import {
  type Host,
  type Loaded,
  loadAgain,
  loadSettings,
  type Origin,
  type Problem,
  type Settings,
} from "../config/load.js";
import type { Counts } from "../counts.js";
import { Engine } from "../engine/engine.js";
import type { LearnedLink } from "../learn/learned.js";
import { now } from "../os/clock.js";
import { Driver, type DriverSettings } from "../os/driver.js";
import { findHostName, hostFields } from "../os/host.js";
import { type Journal, JournalFiles } from "../os/journal-files.js";
import type { InterfaceWatch } from "../os/links.js";
import { placeOf, StartError } from "../os/listening.js";
import type { SystemLog } from "../os/log.js";
import { systemMac } from "../os/mac.js";
import type { Native } from "../os/native.js";
import { systemRandom } from "../os/random.js";
import type { SystemResolver } from "../os/system-resolver.js";
import { type DaemonState, notifySystemd } from "../os/systemd.js";
import { VirtualLinks, type VirtualPlace } from "../os/virtual-links.js";
import { displayName, type Name } from "../wire/name.js";
import type { ApiHooks } from "./api-desk.js";
import { ApiInForce } from "./api-in-force.js";
import { CertificateInForce } from "./certificate-in-force.js";
import { demoPlace } from "./demo-place.js";
import { deviceOf } from "./device.js";
import { type FoundCertificate, findCertificate, printFound } from "./find-certificate.js";
import type { Learning } from "./learning.js";
import { Reloads } from "./reloads.js";

/** What the command line says. */
export interface Wish {
  /** Undefined: the default file if it is there, else none. */
  readonly file: string | undefined;
  readonly demo: boolean;
}

/** A configuration that can be run, and the certificate that it leads to. */
export type Accepted = Exclude<Loaded, { readonly problems: unknown }> & {
  readonly found: FoundCertificate;
};

export type LoadedAll = Accepted | { readonly problems: readonly Problem[] };

/** What the daemon stands on. */
export interface Ground {
  /** Of discd. */
  readonly version: string;
  readonly watch: InterfaceWatch;
  readonly resolver: SystemResolver;
  readonly learning: Learning;
  readonly counts: Counts;
  readonly native: Native | undefined;
  readonly log: SystemLog;
}

/** Why the configuration is loaded again. */
type Reason = "signal" | "interfaces" | "learned";

/** The link of `--demo`. */
export const demoLink = "demo";

/** How long a start waits for what the DNS says, in milliseconds. */
const learningPatience = 2000;

/** Status of a program that has found a bug in itself (EX_SOFTWARE). */
export const bugStatus = 70;

/**
 * Loads the configuration for the interfaces as they are now.
 *
 * @param learned  what the DNS says; absent: it was not asked
 */
export async function load(
  wish: Wish,
  watch: InterfaceWatch,
  learned?: readonly LearnedLink[],
): Promise<LoadedAll> {
  const file = wish.file ?? (isNamed(defaultFile) ? defaultFile : undefined);
  const source = { ...(file === undefined ? {} : { file }), demo: wish.demo };
  const host = hostNow(watch, learned);
  const all = await withCertificate(await loadSettings(source, host, process.env));
  if ("problems" in all || all.found.problems.every(({ isWarning }) => isWarning)) return all;
  return { problems: [...all.warnings, ...all.found.problems] };
}

/**
 * Asks the DNS for the zones of links that have none, and loads again when it says any soon:
 * clients find a link under one name from the start.
 */
export async function loadLearned(
  loaded: Accepted,
  { watch, learning }: Pick<Ground, "watch" | "learning">,
): Promise<LoadedAll> {
  learning.follow(loaded.settings.search);
  await learning.firstRound(learningPatience);
  if (!learning.hasNews) return loaded;
  return withCertificate(await loadAgain(loaded.origin, hostNow(watch, learning.learned)));
}

/** The same with what its `certificate` leads to, good or not. */
async function withCertificate(loaded: Loaded): Promise<LoadedAll> {
  if ("problems" in loaded) return loaded;
  const found = await findCertificate(loaded.settings.certificate, Date.now());
  return { ...loaded, found };
}

function hostNow({ present }: InterfaceWatch, learned: readonly LearnedLink[] | undefined): Host {
  const host = { fqdn: findHostName(), interfaces: present };
  return learned === undefined ? host : { ...host, learned };
}

const printed = ({ printable, found }: Accepted): object => ({
  ...printable,
  certificate: printFound(found),
});

export class Daemon {
  readonly #wish: Wish;
  readonly #ground: Ground;
  readonly #log: SystemLog;
  readonly #engine: Engine;
  readonly #driver: Driver;
  /** Warnings of the last load, so that each is logged once. */
  #warned: ReadonlySet<string> = new Set();
  #serving = "";
  /** In force. */
  #settings: Settings;
  readonly #certificate: CertificateInForce;
  readonly #journals: JournalFiles;
  /** Keys of the subdomains that are published, those of the state files that were read. */
  #published: ReadonlySet<string> = new Set();
  /** What the configuration in force was made of. */
  #origin: Origin;
  /** As `--print-json` prints it. */
  #printable: object;
  readonly #api: ApiInForce;
  readonly #reloads = new Reloads();
  #turn: Promise<void> = Promise.resolve();
  /** Loads that wait for their turn. */
  readonly #wanted = new Set<Reason>();
  #isStopping = false;

  constructor(accepted: Accepted, wish: Wish, ground: Ground) {
    const { settings, origin, found } = accepted;
    const { log, native } = ground;
    this.#wish = wish;
    this.#origin = origin;
    this.#printable = printed(accepted);
    this.#settings = settings;
    this.#ground = ground;
    this.#log = log;
    const { counts, resolver } = ground;
    const random = systemRandom();
    const places = new Map<string, VirtualPlace>();
    if (wish.demo) places.set(demoLink, demoPlace(now(), random));
    const virtual = new VirtualLinks(places);
    const crash = (error: unknown) => this.crash(error);
    this.#engine = new Engine(settings.engine, random, systemMac(), log, counts);
    this.#journals = new JournalFiles(log, now);
    const edges = { native, log, counts, virtual, resolver, journals: this.#journals };
    const parts = { engine: this.#engine, ...edges, crash };
    const clocks = { now, wall: () => Date.now() };
    this.#certificate = new CertificateInForce(settings.certificate, found, log, clocks);
    this.#driver = new Driver(this.#driverSettings(), parts);
    const hooks = this.#apiHooks();
    const seen = { engine: this.#engine, counts, log, native, random, hooks, crash };
    this.#api = new ApiInForce(seen, (onlooker) => {
      this.#driver.onlooker = onlooker;
      // What the directory has to do is due now.
      this.#driver.dispatch({ kind: "deadline" });
    });
  }

  /**
   * Opens the sockets; rejected with a StartError when clients could not be heard, what is
   * published could not be remembered, or the API is not where the file wants it.
   */
  async start({ settings, warnings }: Accepted): Promise<void> {
    const { watch, learning } = this.#ground;
    await this.#driver.start(watch.present, this.#journalsFor(settings));
    const faults = await this.#followApi();
    const { http } = settings;
    if (faults.length > 0 && http !== false && !http.isDefault) {
      throw new StartError(faults.join("; "));
    }
    this.#warn(warnings, false);
    this.#certificate.tell();
    this.#tellServing(settings);
    watch.start({
      polled: (present, isChanged) => {
        this.#inTurn(() => this.#driver.follow(present));
        this.#inTurn(() => this.#followCertificate());
        this.#inTurn(() => this.#api.look());
        if (isChanged) this.#wantReload("interfaces");
      },
      failed: (reason) => this.#log.event("error", "interfaces-unread", { reason }),
    });
    learning.listen(() => this.#wantReload("learned"));
    this.#tell("ready");
  }

  get listeners(): readonly string[] {
    return this.#driver.listeners;
  }

  /** Where the API and its pages are, as URLs or paths. */
  get pages(): readonly string[] {
    return this.#api.open.map(({ url }) => url);
  }

  /** Loads the configuration again. @returns what became of it, once it has */
  reload(): Promise<ReloadOutcome> {
    this.#wantReload("signal");
    return this.#reloads.next();
  }

  /** Writes the state to the log. */
  dump(): void {
    this.#log.event("info", "state", this.#state());
  }

  /** Says goodbye and closes everything. */
  async stop(signal: string): Promise<void> {
    this.#isStopping = true;
    this.#log.event("info", "stopping", { signal });
    this.#tell("stopping");
    this.#ground.watch.stop();
    this.#ground.learning.stop();
    this.#api.stop();
    await this.#driver.stop();
    this.#log.event("info", "stopped");
  }

  /** Ends the program over a bug, with everything that helps to find it. */
  crash(error: unknown): never {
    let state: object = {};
    try {
      state = this.#state();
    } catch {
      // The bug has taken the state with it.
    }
    const stack = error instanceof Error ? error.stack : String(error);
    this.#log.fatal("bug", { stack, state });
    process.exit(bugStatus);
  }

  #state(): Readonly<Record<string, unknown>> {
    const certificate = { notAfter: this.#certificate.notAfter };
    const learning = this.#ground.learning.view();
    return { ...this.#driver.dump(), certificate, learning, engine: this.#engine.dump(now()) };
  }

  #tell(state: DaemonState): void {
    notifySystemd(this.#ground.native, state);
  }

  /** One after the other: loads and changes of sockets must not overtake each other. */
  #inTurn(act: () => Promise<void>): void {
    this.#turn = this.#turn
      .then(() => (this.#isStopping ? undefined : act()))
      .catch((error) => this.crash(error));
  }

  /** Changes and signals come faster than they can be followed: the next load sees all of them. */
  #wantReload(reason: Reason): void {
    if (this.#wanted.has(reason)) return;
    this.#wanted.add(reason);
    this.#inTurn(async () => {
      this.#wanted.delete(reason);
      const isAsked = reason === "signal";
      const waiting = isAsked ? this.#reloads.begin() : [];
      if (isAsked) this.#tell("reloading");
      const outcome = await this.#reload(reason);
      if (isAsked) this.#tell("ready");
      if (outcome !== undefined) this.#reloads.end(outcome, isAsked, waiting);
    });
  }

  /** @returns undefined where discd stops meanwhile */
  async #reload(reason: Reason): Promise<ReloadOutcome | undefined> {
    const { watch, learning } = this.#ground;
    const { learned } = learning;
    // Only who signals has finished editing. A file that was used once is not done without.
    const loaded =
      reason === "signal"
        ? await load({ ...this.#wish, file: this.#origin.source.file }, watch, learned)
        : await withCertificate(await loadAgain(this.#origin, hostNow(watch, learned)));
    if (this.#isStopping) return undefined;
    if ("problems" in loaded) return this.#refuse(loaded.problems, reason);
    const { settings, warnings, found } = loaded;
    const journals = this.#journalsOrFault(settings);
    if (journals instanceof StartError) {
      this.#log.event("error", "config-problem", { problem: journals.message });
      this.#log.event("error", "reload-refused", { reason, problems: 1 });
      return { kind: "refused", problems: [journals.message], errors: [journals.message] };
    }
    this.#origin = loaded.origin;
    this.#settings = settings;
    this.#printable = printed(loaded);
    this.#certificate.take(settings.certificate, found, reason === "signal");
    this.#log.configure(settings.log);
    this.#warn(warnings, reason !== "signal");
    this.#certificate.tell();
    await this.#driver.reconfigure(this.#driverSettings(), journals);
    await this.#followApi();
    // Where containers come and go, interfaces change all day; what follows from it is told.
    const level = reason === "signal" ? "info" : "debug";
    this.#log.event(level, "reloaded", { reason, file: loaded.origin.source.file ?? "none" });
    this.#tellServing(settings);
    learning.follow(settings.search);
    // Who signals may have changed the DNS as well.
    if (reason === "signal") learning.refresh();
    this.#api.reloaded();
    const lines = [...warnings, ...found.problems].map(problemText);
    const file = loaded.origin.source.file ?? null;
    return { kind: "taken", file, warnings: [...lines, ...this.#api.faults] };
  }

  #refuse(found: readonly Problem[], reason: Reason): ReloadOutcome {
    for (const problem of found) {
      const level = problem.isWarning ? "warn" : "error";
      this.#log.event(level, "config-problem", { problem: problemText(problem) });
    }
    this.#log.event("error", "reload-refused", { reason, problems: found.length });
    const errors = found.filter(({ isWarning }) => !isWarning).map(problemText);
    return { kind: "refused", problems: found.map(problemText), errors };
  }

  #followApi(): Promise<readonly string[]> {
    const { http, engine } = this.#settings;
    const { credentials } = this.#certificate;
    const own = [displayName(engine.proxy.hostname), findHostName()];
    const wish = { http, names: hostFields([...own, ...(credentials?.names ?? [])]) };
    return this.#api.follow(credentials === undefined ? wish : { ...wish, credentials });
  }

  /** Nobody gets to the address of an interface that is down; that is the interface's fault. */
  #reachableListeners(): readonly string[] {
    const { present } = this.#ground.watch;
    const lost = new Set(
      present
        .filter(({ isUp }) => !isUp)
        .flatMap(({ addresses }) => addresses.map(({ address }) => formatAddress(address))),
    );
    if (lost.size === 0) return this.#driver.listeners;
    return this.#driver.listeners.filter((id) => {
      const place = placeOf(id);
      return place === undefined || !lost.has(formatAddress(place.address));
    });
  }

  /** Undefined for a virtual link, and where the interface is not there. */
  #deviceOf(link: string): Device | undefined {
    const present = this.#ground.watch.present.find(({ name }) => name === link);
    return present === undefined ? undefined : deviceOf(present);
  }

  /** What the API shows of all this. */
  #apiHooks(): ApiHooks {
    const proxy = () => this.#settings.engine.proxy;
    return {
      version: this.#ground.version,
      hostname: () => displayName(proxy().hostname),
      printable: () => this.#printable,
      listeners: () => this.#reachableListeners(),
      hasClients: () => this.#settings.listen.length > 0,
      refusedListeners: () => this.#driver.refusedListeners,
      links: () => this.#driver.links,
      probedName: () => proxy().links[0]?.service ?? proxy().zones[0] ?? proxy().hostname,
      surroundings: () => ({
        deviceOf: (link) => this.#deviceOf(link),
        faultOf: (link) => this.#driver.links.find(({ name }) => name === link)?.fault,
        sourceOf: (link) => this.#settings.sources.find((one) => one.link === link)?.source,
        learned: this.#ground.learning.view().links,
      }),
      certificateExpiry: () => {
        const { notAfter } = this.#certificate;
        return notAfter === undefined ? undefined : notAfter / 1000;
      },
      certificateTrouble: () => this.#certificate.trouble,
      lastReload: () => this.#reloads.last,
      problems: () => [...this.#reloads.refusals, ...this.#api.faults],
      reload: () => this.reload(),
      refresh: () => {
        this.#ground.learning.refresh();
        this.#driver.dispatch({ kind: "refresh" });
        return "zones are being learned from the DNS again, and every link is being asked anew";
      },
    };
  }

  /**
   * What state files hold that the engine may not know: read where a subdomain comes in.
   *
   * @throws StartError when there is no folder for them
   */
  #journalsFor({ engine, updateState }: Settings): readonly Journal[] {
    const zones = engine.links.flatMap((link) => link.published ?? []);
    const published = new Set(zones.map(({ target }) => target.subdomain.key));
    const isAnyNew = [...published].some((key) => !this.#published.has(key));
    if (published.size > 0) this.#journals.use(updateState);
    this.#published = published;
    return isAnyNew ? this.#journals.readAll() : [];
  }

  #journalsOrFault(settings: Settings): readonly Journal[] | StartError {
    try {
      return this.#journalsFor(settings);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return error;
    }
  }

  /** Certificates are renewed without anybody telling the daemon. */
  async #followCertificate(): Promise<void> {
    if (!(await this.#certificate.look()) || this.#isStopping) return;
    await this.#driver.reconfigure(this.#driverSettings());
    await this.#followApi();
  }

  #driverSettings(): DriverSettings {
    const { credentials } = this.#certificate;
    return credentials === undefined ? this.#settings : { ...this.#settings, credentials };
  }

  #warn(warnings: readonly Problem[], onlyNew: boolean): void {
    const lines = warnings.map(problemText);
    for (const line of lines) {
      if (onlyNew && this.#warned.has(line)) continue;
      this.#log.event("warn", "config-problem", { problem: line });
    }
    this.#warned = new Set(lines);
  }

  /** Says what is served, when that has changed. */
  #tellServing(settings: Settings): void {
    const names = (list: readonly Name[]) => list.map(displayName);
    const sourceOf = (id: string) => {
      const { source = "config", record } = settings.sources.find(({ link }) => link === id) ?? {};
      return record === undefined ? { source } : { source, record: displayName(record) };
    };
    const { links, zones } = settings.engine.proxy;
    const published = settings.engine.links.flatMap(({ id, published = [] }) =>
      published.map(({ target, source, subnet }) => ({
        link: id,
        subdomain: displayName(target.subdomain),
        source,
        ...(subnet === undefined ? {} : { subnet: formatPrefix(subnet) }),
      })),
    );
    const serving = {
      links: links.map(({ link, service, host, aliases, reverse }) => ({
        link,
        service: displayName(service),
        ...sourceOf(link),
        ...(host.key === service.key ? {} : { hosts: displayName(host) }),
        ...(aliases.length === 0 ? {} : { aliases: names(aliases) }),
        ...(reverse.length === 0 ? {} : { reverse: reverse.map(formatPrefix) }),
      })),
      ...(zones.length === 0 ? {} : { zones: names(zones) }),
      ...(published.length === 0 ? {} : { published }),
    };
    const text = JSON.stringify(serving);
    if (text === this.#serving) return;
    this.#serving = text;
    this.#log.event("info", "serving", serving);
  }
}
