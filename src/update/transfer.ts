// The answer to an AXFR (RFC 5936 §2.2): from one SOA to the same SOA, in as
// many messages as the server likes, in any order and with doubles. It is used
// when it is complete and verified, and not at all otherwise.

import { RRClass, RRType } from "../wire/codes.js";
import type { Message } from "../wire/message.js";
import { equalNames, isWithin, type Name, rootName } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";
import { transferRecordsMax, transferWasteMax } from "./limits.js";

/** A zone as it was at one serial. */
export interface ZoneCopy {
  readonly apex: Name;
  readonly serial: number;
  /** MNAME of its SOA. */
  readonly primary: Name;
  /** Every record once; the SOA and what lies outside the zone are left out. */
  readonly rrs: readonly RR[];
}

export type TransferStep =
  | { readonly kind: "more" }
  | { readonly kind: "complete"; readonly copy: ZoneCopy }
  | { readonly kind: "refused"; readonly rcode: number }
  | { readonly kind: "broken"; readonly reason: string };

const tooLarge =
  `has more than ${transferRecordsMax} records: ` +
  "delegate the subdomain, so that it is a zone of its own";

export class Transfer {
  readonly #apex: Name;
  readonly #rrs = new Map<string, RR>();
  #serial: number | undefined;
  #primary = rootName;
  #isComplete = false;
  /** Messages and records that brought nothing. */
  #waste = 0;

  constructor(apex: Name) {
    this.#apex = apex;
  }

  /** Takes the next message; after anything but `more`, no further one belongs to it. */
  take(message: Message): TransferStep {
    if (message.rcode !== 0) return { kind: "refused", rcode: message.rcode };
    if (message.answers.length === 0 && this.#serial === undefined) {
      return { kind: "broken", reason: "begins without a SOA" };
    }
    if (message.answers.length === 0) this.#waste += 1;
    for (const rr of message.answers) {
      const fault = this.#record(rr);
      if (fault !== undefined) return { kind: "broken", reason: fault };
    }
    if (this.#waste > transferWasteMax)
      return { kind: "broken", reason: "does not come to an end" };
    if (!this.#isComplete || this.#serial === undefined) return { kind: "more" };
    const rrs = [...this.#rrs.values()];
    const copy = { apex: this.#apex, serial: this.#serial, primary: this.#primary, rrs };
    return { kind: "complete", copy };
  }

  #record(rr: RR): string | undefined {
    if (this.#isComplete) return "goes on after its end";
    const isApexSoa = rr.rdata.kind === "soa" && equalNames(rr.name, this.#apex);
    if (this.#serial === undefined && !isApexSoa) return "begins without the zone's SOA";
    if (isApexSoa && rr.rdata.kind === "soa") {
      this.#primary = rr.rdata.mname;
      if (this.#serial === undefined) this.#serial = rr.rdata.serial;
      else if (this.#serial === rr.rdata.serial) this.#isComplete = true;
      else return "the zone changed on the way";
      return undefined;
    }
    if (rr.class !== RRClass.IN || rr.type === RRType.SOA || !isWithin(rr.name, this.#apex)) {
      this.#waste += 1;
      return undefined;
    }
    const { size } = this.#rrs;
    if (size >= transferRecordsMax) return tooLarge;
    this.#rrs.set(`${rr.type} ${rr.name.key} ${rdataKey(rr.type, rr.rdata)}`, rr);
    if (this.#rrs.size === size) this.#waste += 1;
    return undefined;
  }
}
