// Rdata as values: one union, discriminated by `kind`. Types without a layout,
// and empty rdata of an UPDATE (RFC 2136 §2.4), are opaque bytes.

import type { Name } from "../name.js";

export interface EdnsOptionBytes {
  readonly code: number;
  readonly bytes: Uint8Array;
}

interface Targeted<Kind extends string> {
  readonly kind: Kind;
  readonly target: Name;
}

export type Rdata =
  | { readonly kind: "a"; readonly address: Uint8Array }
  | { readonly kind: "aaaa"; readonly address: Uint8Array }
  | Targeted<"ptr">
  | Targeted<"cname">
  | Targeted<"dname">
  | Targeted<"ns">
  | Targeted<"mb">
  | Targeted<"mg">
  | Targeted<"mr">
  | {
      readonly kind: "srv";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: Name;
    }
  | { readonly kind: "txt"; readonly strings: readonly Uint8Array[] }
  | { readonly kind: "mx"; readonly preference: number; readonly exchange: Name }
  | {
      readonly kind: "soa";
      readonly mname: Name;
      readonly rname: Name;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | { readonly kind: "hinfo"; readonly cpu: Uint8Array; readonly os: Uint8Array }
  | { readonly kind: "minfo"; readonly rmailbx: Name; readonly emailbx: Name }
  | { readonly kind: "rp"; readonly mailbox: Name; readonly text: Name }
  | { readonly kind: "afsdb"; readonly subtype: number; readonly target: Name }
  | { readonly kind: "rt"; readonly preference: number; readonly target: Name }
  | { readonly kind: "kx"; readonly preference: number; readonly exchange: Name }
  | {
      readonly kind: "px";
      readonly preference: number;
      readonly map822: Name;
      readonly mapx400: Name;
    }
  | {
      readonly kind: "naptr";
      readonly order: number;
      readonly preference: number;
      readonly flags: Uint8Array;
      readonly services: Uint8Array;
      readonly regexp: Uint8Array;
      readonly replacement: Name;
    }
  /** SVCB and HTTPS; `params` as on the wire (RFC 9460 §2.2). */
  | {
      readonly kind: "svcb";
      readonly priority: number;
      readonly target: Name;
      readonly params: Uint8Array;
    }
  | { readonly kind: "nsec"; readonly next: Name; readonly types: readonly number[] }
  | {
      readonly kind: "ds";
      readonly keyTag: number;
      readonly algorithm: number;
      readonly digestType: number;
      readonly digest: Uint8Array;
    }
  | {
      readonly kind: "dnskey";
      readonly flags: number;
      readonly protocol: number;
      readonly algorithm: number;
      readonly publicKey: Uint8Array;
    }
  | {
      readonly kind: "rrsig";
      readonly typeCovered: number;
      readonly algorithm: number;
      readonly labels: number;
      readonly originalTtl: number;
      readonly expiration: number;
      readonly inception: number;
      readonly keyTag: number;
      readonly signer: Name;
      readonly signature: Uint8Array;
    }
  | {
      readonly kind: "tsig";
      readonly algorithm: Name;
      readonly timeSigned: number;
      readonly fudge: number;
      readonly mac: Uint8Array;
      readonly originalId: number;
      readonly error: number;
      readonly other: Uint8Array;
    }
  | { readonly kind: "opt"; readonly options: readonly EdnsOptionBytes[] }
  /** A type without a layout, byte for byte. */
  | { readonly kind: "opaque"; readonly bytes: Uint8Array };
