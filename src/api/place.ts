// Where the HTTP API listens, and how people write it.

import { type Address, formatAddress } from "../address.js";

export type HttpPlace =
  | { readonly kind: "tcp"; readonly address: Address; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Bytes of a path that the kernel takes for a Unix socket (unix(7)), the final NUL left out. */
export const unixPathMax = 107;

/** `127.0.0.1:8053`, `[::1]:8053`, or a path. */
export function placeText(place: HttpPlace): string {
  if (place.kind === "unix") return place.path;
  const host = formatAddress(place.address);
  return host.includes(":") ? `[${host}]:${place.port}` : `${host}:${place.port}`;
}
