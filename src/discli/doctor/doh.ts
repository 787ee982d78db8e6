// Whether DNS over HTTPS (RFC 8484), or over TLS (RFC 7858), gets past this
// network: a question put to each endpoint of the site's list, and the canary
// that browsers look at.

import { request } from "node:https";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { formatAddress } from "../../address.js";
import { recordsIn } from "../../client/answer.js";
import { causeOf } from "../../os/connection-faults.js";
import { RRClass, RRType } from "../../wire/codes.js";
import { FormatError } from "../../wire/errors.js";
import { encodeFrame, FrameReader } from "../../wire/frame.js";
import { decodeMessage, encodeMessage } from "../../wire/message.js";
import { type Name, parseName } from "../../wire/name.js";
import { askSystem } from "./asking.js";
import type { Endpoint } from "./doh-list.js";
import type { Reply } from "./reply.js";
import type { Scene } from "./scene.js";

/** What became of one address of one endpoint. */
export interface Try {
  readonly url: string;
  /** Absent where the resolver gives none. */
  readonly address?: string;
  /** `answers`: it is DNS over HTTPS; `reached`: TLS came about, and something else followed. */
  readonly outcome: "answers" | "reached" | "blocked";
  readonly text: string;
}

export interface DohFacts {
  readonly policy: "allow" | "deny" | undefined;
  readonly zone: string | undefined;
  /** Undefined: the policy names no list. */
  readonly tries: readonly Try[] | undefined;
  /** What the system's resolver says of the canary's A and AAAA. */
  readonly canary: readonly Reply[];
}

/** Where it does not exist, or has no address, Firefox does not turn DoH on by itself. */
export const canaryName = "use-application-dns.net";

const patience = 3000;
/** Endpoints tried side by side. */
const atOnce = 10;
const answerBytesMax = 65_535;

export async function dohFacts(scene: Scene, zone: string | undefined): Promise<DohFacts> {
  const { site } = scene.parts;
  if (site === undefined) return { policy: undefined, zone, tries: undefined, canary: [] };
  const { policy, endpoints } = site;
  const canary = [RRType.A, RRType.AAAA].map(async (type) => {
    return (await askSystem(scene, parseName(canaryName), type)).reply;
  });
  const tries: Try[] = [];
  for (let start = 0; start < (endpoints?.length ?? 0); start += atOnce) {
    const some = endpoints?.slice(start, start + atOnce) ?? [];
    const tried = some.map((endpoint) => tryEndpoint(scene, endpoint, policy.outside));
    tries.push(...(await Promise.all(tried)).flat());
  }
  return {
    policy: policy.doh,
    zone,
    tries: endpoints === undefined ? undefined : tries,
    canary: await Promise.all(canary),
  };
}

async function tryEndpoint(scene: Scene, endpoint: Endpoint, name: Name): Promise<Try[]> {
  const { url, addresses } = endpoint;
  const known = addresses.length > 0 ? addresses : await addressesOf(scene, endpoint.host);
  if (known.length === 0) {
    return [{ url, outcome: "blocked", text: "the system's resolver knows no address of it" }];
  }
  return Promise.all(
    known.map(async (address) => {
      const ask = endpoint.over === "tls" ? askOverTls : askOverHttps;
      return { url, address, ...(await ask(endpoint, address, name)) };
    }),
  );
}

async function addressesOf(scene: Scene, host: string): Promise<string[]> {
  const name = parseName(host);
  const asked = [RRType.A, RRType.AAAA].map(async (type) => {
    const { message } = await askSystem(scene, name, type);
    return (message === undefined ? [] : recordsIn(message, name, type)).flatMap(({ rdata }) => {
      if (rdata.kind === "a") return [formatAddress({ family: "ipv4", bytes: rdata.address })];
      if (rdata.kind !== "aaaa") return [];
      return [formatAddress({ family: "ipv6", bytes: rdata.address })];
    });
  });
  // Filters answer with addresses that lead nowhere.
  return (await Promise.all(asked)).flat().filter((text) => text !== "0.0.0.0" && text !== "::");
}

const queryFor = (name: Name): Uint8Array => {
  const question = { name, type: RRType.A, class: RRClass.IN };
  return encodeMessage({ id: 0, rd: true, questions: [question] });
};

/** One question over TLS, behind its length. */
function askOverTls(
  { host, port }: Endpoint,
  address: string,
  name: Name,
): Promise<Pick<Try, "outcome" | "text">> {
  return new Promise((resolve) => {
    let isSecure = false;
    const finish = (outcome: Try["outcome"], text: string) => {
      clearTimeout(end);
      socket.destroy();
      resolve({ outcome, text });
    };
    const failed = (text: string) => finish(isSecure ? "reached" : "blocked", text);
    const end = setTimeout(() => failed("no answer"), patience);
    const socket = connect({
      host: address,
      port,
      ALPNProtocols: ["dot"],
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    socket.on("secureConnect", () => {
      isSecure = true;
      socket.write(encodeFrame(queryFor(name)));
    });
    const reader = new FrameReader();
    socket.on("data", (bytes) => {
      reader.push(bytes);
      const frame = reader.take();
      if (frame === undefined) return;
      if (isDns(frame)) finish("answers", "answers over TLS");
      else failed("what came is no DNS message");
    });
    socket.on("error", (error) => failed(causeOf(error)));
    socket.on("end", () => failed("the connection was closed"));
  });
}

/** One question by GET (RFC 8484 §4.1), at an address of the endpoint. */
function askOverHttps(
  { host, port, path }: Endpoint,
  address: string,
  name: Name,
): Promise<Pick<Try, "outcome" | "text">> {
  const text = Buffer.from(queryFor(name)).toString("base64url");
  return new Promise((resolve) => {
    let isSecure = false;
    const finish = (outcome: Try["outcome"], words: string) => {
      clearTimeout(end);
      resolve({ outcome, text: words });
      sent.destroy();
    };
    const failed = (words: string) => finish(isSecure ? "reached" : "blocked", words);
    const sent = request({
      host: address,
      port,
      path: `${path}${path.includes("?") ? "&" : "?"}dns=${text}`,
      headers: { host, accept: "application/dns-message" },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Whoever stands in between is reached as well: what counts is that it works.
      rejectUnauthorized: false,
      agent: false,
    });
    const end = setTimeout(() => failed("no answer"), patience);
    sent.on("socket", (socket) => {
      socket.on("secureConnect", () => {
        isSecure = true;
      });
    });
    sent.on("error", (error) => failed(causeOf(error)));
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length <= answerBytesMax) chunks.push(chunk);
        else finish("reached", "an answer that is too long for DNS");
      });
      response.on("end", () => {
        const { statusCode = 0 } = response;
        if (isDns(Buffer.concat(chunks))) finish("answers", "answers over HTTPS");
        else finish("reached", `HTTP status ${statusCode}, and no DNS message`);
      });
    });
    sent.end();
  });
}

function isDns(bytes: Uint8Array): boolean {
  try {
    return decodeMessage(bytes).isResponse;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
