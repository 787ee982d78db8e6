// An interface as the API shows it beside its link.

import type { Device } from "../api/surroundings.js";
import type { PresentInterface } from "../os/interfaces.js";
import { reverseApexes } from "../proxy/reverse.js";
import { displayName } from "../wire/name.js";

/** A prefix between two label boundaries has several names, 128 at most. */
const shownMax = 16;

export function deviceOf(one: PresentInterface): Device {
  const reverse = one.addresses.flatMap((prefix) => reverseApexes(prefix).slice(0, shownMax));
  return {
    index: one.index,
    flags: [
      ...(one.isUp ? (["up"] as const) : []),
      ...(one.canMulticast ? (["multicast"] as const) : []),
      ...(one.isLoopback ? (["loopback"] as const) : []),
    ],
    mtu: one.mtu,
    vlan: one.vlan ?? null,
    reverse: [...new Set(reverse.map(displayName))],
  };
}
