// Other hosts of a simulated link, who speak when the scenario tells them to. As
// a neighbour such a host asks questions of its own, as any laptop does. As a
// liar it sends what must not be believed, and some of what has to be: wrong
// ports, wrong codes, answers inside queries, foreign records, broken packets.

import { type Endpoint, type Family, parseAddress } from "../../src/address.js";
import { RRClass, RRType } from "../../src/wire/codes.js";
import { encodeMessage, type Message } from "../../src/wire/message.js";
import { type Name, nameOf } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { Packet, proxyAddress, type Station, sameEndpoint } from "./air.js";
import type { Chance } from "./chance.js";

const flushBit = 0x8000;

export class Stranger implements Station {
  readonly #addresses: Readonly<Record<Family, Endpoint>>;
  #packets: Packet[] = [];

  constructor(number: number) {
    this.#addresses = {
      ipv4: { address: parseAddress(`192.0.2.${number}`)!, port: 5353 },
      ipv6: { address: parseAddress(`fe80::${number}`)!, port: 5353 },
    };
  }

  say(
    family: Family,
    message: Partial<Message> | Uint8Array,
    { to = "group" as "group" | Endpoint, port = 5353 } = {},
  ): void {
    const bytes =
      message instanceof Uint8Array ? message : encodeMessage(message, { compression: "mdns" });
    this.#packets.push(new Packet(family, { ...this.#addresses[family], port }, to, bytes));
  }

  hear(): void {}
  expire(): void {}
  nextDeadline(): undefined {
    return undefined;
  }
  takePackets(): readonly Packet[] {
    const packets = this.#packets;
    if (packets.length > 0) this.#packets = [];
    return packets;
  }
  owns(endpoint: Endpoint): boolean {
    return sameEndpoint(this.#addresses[endpoint.address.family], endpoint);
  }
}

/** Asks the group a question, perhaps with RRs that it claims to know. */
export function askAsNeighbour(
  neighbour: Stranger,
  family: Family,
  asked: { readonly name: Name; readonly type: number },
  known: readonly RR[],
): void {
  const question = { name: asked.name, type: asked.type, class: RRClass.IN };
  neighbour.say(family, { questions: [question], answers: known });
}

/** One more lie about one of these RRs, or about nothing that exists. */
export function lie(liar: Stranger, chance: Chance, victims: readonly RR[]): void {
  const family: Family = chance.is(0.5) ? "ipv4" : "ipv6";
  const rr = forged(chance, victims);
  chance.oneOf(lies)({ liar, family, rr, chance });
}

interface Lie {
  readonly liar: Stranger;
  readonly family: Family;
  readonly rr: RR;
  readonly chance: Chance;
}

const response = { isResponse: true, aa: true };

const lies: readonly ((lie: Lie) => void)[] = [
  // Never to be used.
  ({ liar, family, rr }) => liar.say(family, { ...response, answers: [rr] }, { port: 5354 }),
  ({ liar, family, rr }) => liar.say(family, { ...response, rcode: 3, answers: [rr] }),
  ({ liar, family, rr }) => liar.say(family, { ...response, opcode: 4, answers: [rr] }),
  ({ liar, family, rr }) =>
    liar.say(family, { ...response, answers: [rr] }, { to: proxyAddress[family] }),
  ({ liar, family, rr }) =>
    liar.say(family, {
      questions: [{ name: rr.name, type: rr.type, class: RRClass.IN }],
      answers: [{ ...rr, class: RRClass.IN }],
    }),
  ({ liar, family, rr }) =>
    liar.say(family, {
      questions: [{ name: rr.name, type: RRType.ANY, class: RRClass.IN | flushBit }],
      authorities: [{ ...rr, class: RRClass.IN }],
    }),
  ({ liar, family, chance }) => {
    const bytes = new Uint8Array(chance.below(200));
    for (let at = 0; at < bytes.length; at++) bytes[at] = chance.below(256);
    // A response as far as the header goes, so that the records are tried.
    bytes.set([0, 0, 0x84, 0, 0, 0].slice(0, bytes.length));
    liar.say(family, bytes);
  },
  // To be used, whoever sends it.
  ({ liar, family, rr }) => liar.say(family, { ...response, answers: [rr] }),
  ({ liar, family, rr }) => liar.say(family, { isResponse: true, id: 4711, additionals: [rr] }),
  ({ liar, family, rr }) =>
    liar.say(family, { ...response, tc: true, rd: true, authorities: [rr] }),
  ({ liar, family, rr }) =>
    liar.say(family, {
      ...response,
      answers: [rr],
      edns: { udpSize: 0x85a0, version: 0, extendedRcode: 0, dnssecOk: true, options: [] },
    }),
  ({ liar, family, rr }) => liar.say(family, { ...response, answers: [{ ...rr, ttlSeconds: 0 }] }),
  ({ liar, family, rr }) =>
    liar.say(family, { ...response, answers: [{ ...rr, ttlSeconds: 0x8000_0078 }] }),
  ({ liar, family, rr }) =>
    liar.say(family, {
      ...response,
      answers: [
        {
          ...rr,
          type: RRType.NSEC,
          rdata: { kind: "nsec", next: nameOf(["nonsense"]), types: [RRType.HINFO] },
        },
      ],
    }),
  ({ liar, family, rr, chance }) => {
    const whole = encodeMessage({ ...response, answers: [rr, { ...rr, class: 1 }] });
    liar.say(family, whole.subarray(0, 12 + chance.below(whole.length - 12)));
  },
];

/** An RR of somebody else with other rdata, the very same, or one of a name nobody has. */
function forged(chance: Chance, victims: readonly RR[]): RR {
  const invented: RR = {
    name: nameOf([`ghost-${chance.below(5)}`, "local"]),
    type: RRType.A,
    class: RRClass.IN | (chance.is(0.7) ? flushBit : 0),
    ttlSeconds: 1 + chance.below(60),
    rdata: { kind: "a", address: Uint8Array.from([192, 0, 2, 200 + chance.below(40)]) },
  };
  if (victims.length === 0 || chance.is(0.3)) return invented;
  const victim = chance.oneOf(victims);
  if (chance.is(0.3)) return { ...victim, class: RRClass.IN };
  if (victim.type === RRType.A) return { ...invented, name: victim.name };
  return { ...invented, name: victim.name, type: RRType.TXT, rdata: { kind: "txt", strings: [] } };
}
