// The multicast sockets of every link that is used, kept in step with the
// interfaces: opened when a link can carry a family, closed when it no longer
// can, and opened anew when the interface was deleted and made again, since a
// socket bound to the old one is dead for ever (RFC 6762 §10.3, DP-121).

import { type Address, type Endpoint, type Family, formatPrefix, type Prefix } from "../address.js";
import type { Counts } from "../counts.js";
import type { Input, LinkId } from "../engine/io.js";
import type { Log } from "../log.js";
import type { PresentInterface } from "./interfaces.js";
import { codeOf, type MulticastSocket, mdnsPort, openDirect, openMulticast } from "./multicast.js";
import type { Native } from "./native.js";
import { PortWatch } from "./port-owner.js";

/** A link as the configuration wants it. */
export interface WantedLink {
  readonly name: LinkId;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Answers by unicast are of use: what comes so is taken where nobody else has the port. */
  readonly takesUnicast?: boolean;
}

/** How a link of the configuration stands. */
export interface LinkSocketState {
  readonly name: LinkId;
  /** Absent where there is no such interface, or it is down. */
  readonly device?: PresentInterface;
  /** That are spoken on it. */
  readonly families: readonly Family[];
  /** What keeps it from being used, or one of its families. */
  readonly fault?: string;
}

interface LinkState {
  link: WantedLink;
  device: PresentInterface;
  readonly sockets: Map<Family, MulticastSocket>;
  readonly opening: Set<Family>;
  /** Addresses that there were when the group was joined last. */
  readonly joinedFrom: Map<Family, string>;
  /** Sockets on the link's own addresses, by address; open while the port is ours alone. */
  readonly direct: Map<string, MulticastSocket>;
  readonly openingDirect: Set<string>;
  /** What the engine was told last; undefined while it takes the link for down. */
  told: string | undefined;
}

/** Interfaces come and go while sockets are opened: no news, the next look sees it. */
const passing = new Set(["ENODEV", "ENXIO", "EADDRNOTAVAIL"]);

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "another program keeps UDP port 5353 to itself; for avahi-daemon set disallow-other-stacks=no",
  EPERM: "not permitted; see the sandbox of the unit",
  EAFNOSUPPORT: "this family is switched off; see RestrictAddressFamilies of the unit",
};

export class LinkSockets {
  readonly #native: Native | undefined;
  readonly #log: Log;
  readonly #counts: Counts;
  readonly #tell: (input: Input) => void;
  readonly #states = new Map<LinkId, LinkState>();
  readonly #port = new PortWatch(mdnsPort);
  /** Complaints that were logged and still hold. */
  readonly #complaints = new Map<string, string>();
  /** Why links are not used at present, as it was logged. */
  readonly #waiting = new Map<LinkId, string>();

  constructor(native: Native | undefined, log: Log, counts: Counts, tell: (input: Input) => void) {
    this.#native = native;
    this.#log = log;
    this.#counts = counts;
    this.#tell = tell;
  }

  /** Opens and closes what the interfaces as they are now ask for; resolved once it is done. */
  async follow(wanted: readonly WantedLink[], present: readonly PresentInterface[]): Promise<void> {
    const devices = new Map(present.map((one) => [one.name, one]));
    for (const [name, state] of this.#states) {
      const device = devices.get(name);
      const isWanted = wanted.some((link) => link.name === name);
      if (isWanted && device?.isUp === true && device.index === state.device.index) continue;
      this.#drop(name, state, isWanted ? absenceOf(device) : undefined);
    }
    for (const name of this.#waiting.keys()) {
      if (!wanted.some((link) => link.name === name)) this.#waiting.delete(name);
    }
    const openings: Promise<void>[] = [];
    const isAlone = wanted.some(({ takesUnicast }) => takesUnicast) && this.#port.isAlone();
    for (const link of wanted) {
      const device = devices.get(link.name);
      const absence = absenceOf(device);
      if (device === undefined || absence !== undefined) {
        this.#wait(link.name, absence ?? "");
        continue;
      }
      if (!device.canMulticast) {
        const reason = "this interface does not do multicast";
        this.#complain(link.name, "ENOTSUP", reason);
        this.#waiting.set(link.name, reason);
        continue;
      }
      openings.push(this.#followOne(link, device, isAlone));
    }
    await Promise.all(openings);
  }

  /** @param sent  called once the datagram has left or has failed */
  send(
    link: LinkId,
    family: Family,
    to: "group" | Endpoint,
    bytes: Uint8Array,
    sent?: () => void,
  ): void {
    const socket = this.#states.get(link)?.sockets.get(family);
    if (socket === undefined) {
      // A family that this link does not speak at the moment.
      this.#counts.add("unsent", family);
      sent?.();
      return;
    }
    socket.send(to, bytes, sent);
  }

  /** Links that have sockets, and why others have none, or not all of them. */
  states(): readonly LinkSocketState[] {
    const found: LinkSocketState[] = [];
    for (const [name, { device, sockets }] of this.#states) {
      const families = [...sockets.keys()];
      const fault = this.#faultOf(name, families);
      found.push({ name, device, families, ...(fault === undefined ? {} : { fault }) });
    }
    for (const [name, fault] of this.#waiting) {
      if (!this.#states.has(name)) found.push({ name, families: [], fault });
    }
    return found;
  }

  /** Links that are up, with their families, for the log. */
  list(): readonly { link: LinkId; index: number; families: readonly Family[] }[] {
    return [...this.#states].map(([link, { device, sockets }]) => ({
      link,
      index: device.index,
      families: [...sockets.keys()],
    }));
  }

  close(): void {
    for (const state of this.#states.values()) closeAll(state);
    this.#states.clear();
  }

  async #followOne(link: WantedLink, device: PresentInterface, isAlone: boolean): Promise<void> {
    let state = this.#states.get(link.name);
    if (state === undefined) {
      state = freshState(link, device);
      this.#states.set(link.name, state);
    }
    state.link = link;
    state.device = device;
    const openings: Promise<boolean>[] = [];
    for (const family of ["ipv4", "ipv6"] as const) {
      this.#followAddresses(state, family);
      const socket = state.sockets.get(family);
      if (!link[family] || !speaks(device, family)) {
        socket?.close();
        state.sockets.delete(family);
      } else if (socket === undefined && !state.opening.has(family)) {
        openings.push(this.#open(link.name, state, family));
      }
    }
    const isReopened = (await Promise.all(openings)).includes(true);
    const mayAskUnicast = await this.#followDirect(state, isAlone);
    // Told once per round, so that the first questions go out on both families.
    const isWorking = state.opening.size + state.openingDirect.size > 0;
    if (!isWorking) this.#report(link.name, state, isReopened, mayAskUnicast);
  }

  /** Who has another address tells the switches, and the querier, that he is still here. */
  #followAddresses({ sockets, joinedFrom, device }: LinkState, family: Family): void {
    const socket = sockets.get(family);
    const from = addressesOf(device, family);
    if (socket === undefined || joinedFrom.get(family) === from) return;
    joinedFrom.set(family, from);
    if (socket.rejoin()) {
      this.#counts.add("rejoined", family);
      return;
    }
    socket.close();
    sockets.delete(family);
  }

  /**
   * Opens and closes the sockets on the link's own addresses.
   *
   * @returns whether all that is sent to them by unicast is heard now
   */
  async #followDirect(state: LinkState, isAlone: boolean): Promise<boolean> {
    const native = this.#native;
    const { link, device, sockets, direct, openingDirect } = state;
    const isOf = ({ address }: Prefix) => sockets.has(address.family) && isAsker(address);
    const isUsed = link.takesUnicast === true && isAlone && native !== undefined;
    const wanted = new Map(
      device.addresses.filter((one) => isUsed && isOf(one)).map((one) => [formatPrefix(one), one]),
    );
    for (const [key, socket] of direct) {
      if (wanted.has(key)) continue;
      socket.close();
      direct.delete(key);
    }
    const missing = [...wanted].filter(([key]) => !direct.has(key) && !openingDirect.has(key));
    await Promise.all(
      missing.map(([key, own]) => native && this.#openDirect(state, key, own, native)),
    );
    return wanted.size > 0 && [...wanted.keys()].every((key) => direct.has(key));
  }

  async #openDirect(state: LinkState, key: string, own: Prefix, native: Native): Promise<void> {
    const { name } = state.link;
    state.openingDirect.add(key);
    try {
      const socket = await openDirect(own, state.device, native, {
        received: (family, source, bytes) => {
          const isMulticast = false;
          this.#tell({ kind: "multicast", link: name, family, source, isMulticast, bytes });
        },
        notSent: () => {},
        // The next look opens it again.
        failed: () => state.direct.delete(key),
      });
      if (this.#states.get(name) === state) state.direct.set(key, socket);
      else socket.close();
    } catch (error) {
      // Without it the link is asked by multicast, which is as good.
      this.#counts.add("direct-refused", codeOf(error));
    } finally {
      state.openingDirect.delete(key);
    }
  }

  /** Whether there is one more socket now. */
  async #open(name: LinkId, state: LinkState, family: Family): Promise<boolean> {
    state.opening.add(family);
    state.joinedFrom.set(family, addressesOf(state.device, family));
    try {
      const socket = await openMulticast(family, state.device, this.#native, {
        received: (_, source, bytes) => {
          const isMulticast = true; // The socket is bound to the group [T-51].
          this.#tell({ kind: "multicast", link: name, family, source, isMulticast, bytes });
        },
        notSent: (_, reason) => this.#tell({ kind: "send-failed", link: name, reason }),
        failed: (_, code) => {
          // The next look opens it again.
          state.sockets.delete(family);
          this.#complain(`${name} ${family}`, code, "the socket failed");
        },
      });
      if (this.#states.get(name) !== state) {
        socket.close();
        return false;
      }
      state.sockets.set(family, socket);
      this.#complaints.delete(`${name} ${family}`);
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (!passing.has(code)) this.#complain(`${name} ${family}`, code, remedies[code] ?? code);
      return false;
    } finally {
      state.opening.delete(family);
    }
  }

  /** Tells the engine where the link stands, if that is news. */
  #report(name: LinkId, state: LinkState, isReopened: boolean, mayAskUnicast: boolean): void {
    if (this.#states.get(name) !== state) return;
    const { addresses: prefixes, mtu } = state.device;
    if (state.sockets.size === 0) {
      const { ipv4, ipv6 } = state.link;
      const isMute =
        !(ipv4 && speaks(state.device, "ipv4")) && !(ipv6 && speaks(state.device, "ipv6"));
      if (state.told !== undefined) this.#drop(name, state, isMute ? mute : undefined);
      else if (isMute) this.#wait(name, mute);
      return;
    }
    this.#waiting.delete(name);
    const addresses = prefixes.map(formatPrefix);
    const key = [mtu, mayAskUnicast ? "unicast" : "multicast", ...addresses].join(" ");
    if (key === state.told && !isReopened) return;
    const families = [...state.sockets.keys()];
    const answers = state.link.takesUnicast ? { answers: mayAskUnicast ? "any" : "multicast" } : {};
    this.#log.event("info", "link-up", { link: name, families, addresses, ...answers });
    state.told = key;
    this.#tell({ kind: "link-up", link: name, prefixes, mtu, mayAskUnicast });
  }

  #drop(name: LinkId, state: LinkState, reason?: string): void {
    this.#states.delete(name);
    closeAll(state);
    if (state.told === undefined) return;
    if (reason !== undefined) this.#waiting.set(name, reason);
    this.#log.event("warn", "link-down", {
      link: name,
      ...(reason === undefined ? {} : { reason }),
    });
    this.#tell({ kind: "link-down", link: name });
  }

  #faultOf(name: LinkId, open: readonly Family[]): string | undefined {
    for (const family of ["ipv4", "ipv6"] as const) {
      const code = this.#complaints.get(`${name} ${family}`);
      if (code === undefined || open.includes(family)) continue;
      return `no socket for ${family}: ${remedies[code] ?? code}`;
    }
    return open.length === 0 ? (this.#waiting.get(name) ?? "no socket is open") : undefined;
  }

  /** Says once why a link is not used yet. */
  #wait(link: LinkId, reason: string): void {
    if (this.#waiting.get(link) === reason) return;
    this.#waiting.set(link, reason);
    this.#log.event("warn", "link-waiting", { link, reason });
  }

  /** Says once what goes on being wrong. */
  #complain(subject: string, code: string, remedy: string): void {
    if (this.#complaints.get(subject) === code) return;
    this.#complaints.set(subject, code);
    this.#log.event("error", "link-refused", { link: subject, code, remedy });
  }
}

function freshState(link: WantedLink, device: PresentInterface): LinkState {
  const [sockets, direct] = [new Map<Family, MulticastSocket>(), new Map()];
  const [opening, openingDirect] = [new Set<Family>(), new Set<string>()];
  const joinedFrom = new Map<Family, string>();
  return { link, device, sockets, opening, joinedFrom, direct, openingDirect, told: undefined };
}

/** Those from which a family's packets may leave, for comparison. */
function addressesOf(device: PresentInterface, family: Family): string {
  const used = device.addresses.filter(
    ({ address }) => address.family === family && isAsker(address),
  );
  return used.map(formatPrefix).join(" ");
}

function closeAll({ sockets, direct }: LinkState): void {
  for (const socket of [...sockets.values(), ...direct.values()]) socket.close();
}

/** Why an interface cannot be used, if that is so. */
function absenceOf(device: PresentInterface | undefined): string | undefined {
  if (device === undefined) return "there is no such interface";
  return device.isUp ? undefined : "the interface is down";
}

const mute = "the interface has no address to send from";

/** Whether an interface has an address from which a family's packets can leave. */
function speaks(device: PresentInterface, family: Family): boolean {
  return device.addresses.some(({ address }) => address.family === family && isAsker(address));
}

/** Whether packets for the group may leave from an address, so that answers come to it. */
function isAsker({ family, bytes }: Address): boolean {
  return family === "ipv4" || (bytes[0] === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80);
}
