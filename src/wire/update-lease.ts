// The Update Lease option (RFC 9664 §4): for how long the records that an UPDATE
// adds are wanted. Four octets, or eight where KEY records have a lease of
// their own.

import { EdnsOption } from "./codes.js";
import type { EdnsOptionBytes } from "./rdata/index.js";

export interface UpdateLease {
  readonly leaseSeconds: number;
  /** For KEY records; absent: the same. */
  readonly keyLeaseSeconds?: number;
}

export function encodeLease(lease: UpdateLease): EdnsOptionBytes {
  const { leaseSeconds, keyLeaseSeconds } = lease;
  const bytes = new Uint8Array(keyLeaseSeconds === undefined ? 4 : 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, leaseSeconds);
  if (keyLeaseSeconds !== undefined) view.setUint32(4, keyLeaseSeconds);
  return { code: EdnsOption.UPDATE_LEASE, bytes };
}

/** @returns undefined when there is no such option, or its length is neither 4 nor 8 */
export function findLease(options: readonly EdnsOptionBytes[]): UpdateLease | undefined {
  const bytes = options.find(({ code }) => code === EdnsOption.UPDATE_LEASE)?.bytes;
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 8)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const leaseSeconds = view.getUint32(0);
  return bytes.length === 4
    ? { leaseSeconds }
    : { leaseSeconds, keyLeaseSeconds: view.getUint32(4) };
}
