// The demo link as a place where discd stands, with addresses of the ranges set
// aside for documentation.

import { type Address, type Endpoint, parseAddress } from "../address.js";
import { assert } from "../assert.js";
import { demoNetworks } from "../demo/cast.js";
import { DemoLink } from "../demo/demo-link.js";
import { mdnsPort } from "../os/multicast.js";
import type { VirtualPlace } from "../os/virtual-links.js";
import type { Random } from "../random.js";
import type { Instant } from "../time.js";

function endpoint(text: string): Endpoint {
  const address: Address | undefined = parseAddress(text);
  assert(address !== undefined, "an address written here is one");
  return { address, port: mdnsPort };
}

/** Makes the demo link; its devices arrive within the next second. */
export function demoPlace(now: Instant, random: Random): VirtualPlace {
  return {
    link: new DemoLink(now, random),
    own: { ipv4: endpoint("192.0.2.1"), ipv6: endpoint("fe80::1") },
    prefixes: demoNetworks,
    mtu: 1500,
  };
}
