// The Push server as a client meets it: a connection, a certificate, and a
// subscription that is accepted.

import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { formatAddress } from "../../address.js";
import { hostText } from "../../client/soa-walk.js";
import { ClientDriver } from "../../os/client.js";
import { hostsOf, secureContext } from "../../os/client-tls.js";
import { causeOf } from "../../os/connection-faults.js";
import { pinOf } from "../../os/pin.js";
import { RRClass, RRType } from "../../wire/codes.js";
import { displayName, type Name } from "../../wire/name.js";
import {
  addressText,
  browsedName,
  isOnOwnSubnet,
  ownPrefixes,
  type PushFacts,
  pushFacts,
  walkFacts,
} from "./apple-facts.js";
import { askSystem } from "./asking.js";
import { type Connected, tryConnection } from "./probe.js";
import type { Scene } from "./scene.js";

export interface ConnectFacts {
  readonly zone: string;
  /** Host and port of the SRV record. */
  readonly host: string;
  readonly tries: readonly {
    readonly place: string;
    readonly outcome: Connected;
    /** It is on one of this host's own networks. */
    readonly isOwnSubnet: boolean;
  }[];
}

const everyPlace = (facts: readonly PushFacts[]) =>
  facts.flatMap(({ zone, places }) => places.map((place) => ({ zone, ...place })));

export function connectFacts(scene: Scene): Promise<readonly ConnectFacts[]> {
  return scene.once("apple-connect", async () => {
    const prefixes = ownPrefixes();
    const places = everyPlace(await pushFacts(scene)).map(
      async ({ zone, host, port, addresses }) => {
        const tries = addresses.map(async (address) => ({
          place: addressText(address, port),
          outcome: await tryConnection({ address: formatAddress(address), port }),
          isOwnSubnet: isOnOwnSubnet(address, prefixes),
        }));
        return {
          zone: displayName(zone),
          host: `${displayName(host)} port ${port}`,
          tries: await Promise.all(tries),
        };
      },
    );
    return Promise.all(places);
  });
}

export interface TlsFacts {
  readonly zone: string;
  readonly host: string;
  readonly place: string;
  readonly isOwnSubnet: boolean;
  /** Why there is no TLS at all. */
  readonly fault?: string;
  readonly certificate?: CertificateFacts;
}

export interface CertificateFacts {
  /** Its chain ends at an authority of this system, and it is valid now. */
  readonly isTrusted: boolean;
  /** OpenSSL's, DEPTH_ZERO_SELF_SIGNED_CERT for instance, where it is not trusted. */
  readonly error?: string;
  readonly names: readonly string[];
  readonly isForHost: boolean;
  readonly isForZone: boolean;
  readonly validTo: string;
  readonly pin: string;
  readonly protocol: string;
}

const tlsPatience = 3000;

/** The first address of each server that takes connections. */
export function tlsFacts(scene: Scene): Promise<readonly TlsFacts[]> {
  return scene.once("apple-tls", async () => {
    const reached = new Set(
      (await connectFacts(scene)).flatMap(({ tries }) =>
        tries.flatMap(({ place, outcome }) => (outcome === "open" ? [place] : [])),
      ),
    );
    const prefixes = ownPrefixes();
    const places = everyPlace(await pushFacts(scene)).flatMap(({ zone, host, port, addresses }) => {
      const address = addresses.find((one) => reached.has(addressText(one, port)));
      return address === undefined ? [] : [{ zone, host, port, address }];
    });
    return Promise.all(
      places.map(async ({ zone, host, port, address }): Promise<TlsFacts> => {
        const outcome = await shakeHands(formatAddress(address), port, host, zone);
        return {
          zone: displayName(zone),
          host: displayName(host),
          place: addressText(address, port),
          isOwnSubnet: isOnOwnSubnet(address, prefixes),
          ...("fault" in outcome ? { fault: outcome.fault } : { certificate: outcome }),
        };
      }),
    );
  });
}

function shakeHands(
  address: string,
  port: number,
  host: Name,
  zone: Name,
): Promise<CertificateFacts | { readonly fault: string }> {
  const servername = hostText(host);
  return new Promise((resolve) => {
    const raw = connectTcp({ host: address, port });
    const finish = (outcome: CertificateFacts | { readonly fault: string }) => {
      clearTimeout(end);
      raw.destroy();
      resolve(outcome);
    };
    const end = setTimeout(() => finish({ fault: "no answer to the handshake" }), tlsPatience);
    const socket = connect({
      socket: raw,
      secureContext: secureContext({ pins: [] }),
      ALPNProtocols: ["dot"],
      // Judged elsewhere.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(servername === undefined ? {} : { servername }),
    });
    const failed = (error: NodeJS.ErrnoException) => {
      const isTls = error.code?.startsWith("ERR_SSL_") === true;
      const text = isTls ? String(error.code).slice(8).toLowerCase() : causeOf(error);
      finish({ fault: text.replaceAll("_", " ") });
    };
    raw.on("error", failed);
    socket.on("error", failed);
    socket.once("close", () => finish({ fault: "the connection was closed" }));
    socket.once("secureConnect", () => finish(certificateOf(socket, host, zone)));
  });
}

function certificateOf(
  socket: TLSSocket,
  host: Name,
  zone: Name,
): CertificateFacts | { readonly fault: string } {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return { fault: "it shows no certificate" };
  const isFor = (name: Name) => {
    const text = hostText(name);
    return text !== undefined && leaf.checkHost(text, { subject: "never" }) !== undefined;
  };
  const error: unknown = socket.authorizationError;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : error;
  return {
    isTrusted: socket.authorized,
    ...(socket.authorized ? {} : { error: String(code) }),
    names: hostsOf(leaf).slice(0, 5),
    isForHost: isFor(host),
    isForZone: isFor(zone),
    validTo: leaf.validTo,
    pin: pinOf(leaf),
    protocol: socket.getProtocol() ?? "TLS",
  };
}

export interface SessionFacts {
  readonly question: string;
  readonly isSubscribed: boolean;
  /** Who takes the subscription, or why nobody does. */
  readonly text: string;
}

const sessionPatience = 4000;

/** Subscribes to the printers of the first domain, at servers whose key was just seen. */
export async function sessionFacts(scene: Scene): Promise<SessionFacts | undefined> {
  const [first] = (await walkFacts(scene)).filter(({ zone }) => zone !== undefined);
  const pins = (await tlsFacts(scene)).flatMap(({ certificate }) =>
    certificate === undefined ? [] : [certificate.pin],
  );
  if (first === undefined || pins.length === 0) return undefined;
  const name = browsedName(first.domain);
  const question = `${displayName(name)} PTR`;
  return new Promise((resolve) => {
    const finish = async (isSubscribed: boolean, text: string) => {
      clearTimeout(end);
      await driver.end();
      resolve({ question, isSubscribed, text });
    };
    const end = setTimeout(() => finish(false, "no answer to the subscription"), sessionPatience);
    const driver = new ClientDriver({
      ask: async (asked, type) => {
        const { message, reply } = await askSystem(scene, asked, type);
        if (message === undefined) throw new Error(reply.kind);
        return { message, from: "" };
      },
      resolvers: [],
      trust: { pins },
      takesPush: true,
      takesLlq: false,
      tell: (output) => {
        if (output.kind === "way" && output.way === "push") finish(true, output.place ?? "");
        else if (output.kind === "failed") finish(false, output.reason);
      },
    });
    driver.follow({ name, type: RRType.PTR, class: RRClass.IN });
  });
}
