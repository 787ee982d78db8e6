// Who may read and who may write (interface §3.1): reading is free on loopback
// and on the Unix socket and needs the token elsewhere; writing needs the token,
// or the Unix socket. A browser on the same host is somebody else's tool: what
// a page of another origin makes it send is refused, and a name that was made to
// point here (DNS rebinding) is none of ours.

import { parseAddress } from "../address.js";
import type { Door, Request } from "./exchange.js";

export interface RightsRules {
  /** Names under which a browser may have found us, in lower case; addresses always may. */
  readonly names: ReadonlySet<string>;
  readonly hasToken: boolean;
  /** Compares in constant time. */
  isToken(text: string): boolean;
}

/** What a request wants: pages and their parts hold no secret. */
export type Want = "page" | "read" | "write";

export type RightsVerdict =
  | { readonly kind: "granted"; readonly mayWrite: boolean }
  | {
      readonly kind: "refused";
      readonly status: 400 | 401 | 403 | 421;
      /** For counting: one of a few words. */
      readonly reason: string;
      readonly error: string;
      readonly remedy: string;
    };

const refused = (
  status: 400 | 401 | 403 | 421,
  reason: string,
  error: string,
  remedy: string,
): RightsVerdict => ({ kind: "refused", status, reason, error, remedy });

/** Whether a request may have what it wants. */
export function judgeRights(request: Request, want: Want, rules: RightsRules): RightsVerdict {
  return judgeSender(request, rules) ?? judgeToken(request, want, rules);
}

/** Undefined: nothing says that a page of somebody else's sent it. */
function judgeSender(request: Request, rules: RightsRules): RightsVerdict | undefined {
  return judgeHost(request, rules) ?? judgeOrigin(request);
}

function judgeHost({ door, fields }: Request, rules: RightsRules): RightsVerdict | undefined {
  const { host } = fields;
  const isUnix = door.kind === "unix";
  // No browser leaves it out.
  if (isUnix && host === undefined) return undefined;
  const name = hostName(host);
  if (name === undefined) {
    return refused(400, "host", "the Host field is missing, twice there, or no host", "send one");
  }
  // Whoever writes `http://x/` for a socket has to write something; nobody else owns such a name.
  if (isOurName(name, rules) || (isUnix && !name.includes("."))) return undefined;
  const remedy = "use the address, localhost, or the hostname of discd.lua";
  return refused(421, "host", "this is not the host that the request names", remedy);
}

function judgeOrigin({ door, method, fields }: Request): RightsVerdict | undefined {
  const { host = "", origin, fetchSite, fetchMode } = fields;
  const foreign = "a page of another origin sent this";
  const remedy = "open discweb itself, or use a program that is no browser";
  const own = `${door.isTls ? "https" : "http"}://${host.toLowerCase()}`;
  if (origin !== undefined && origin.toLowerCase() !== own) {
    return refused(403, "origin", foreign, remedy);
  }
  // A link that somebody followed to here is no page that reads us.
  const isForeign = fetchSite !== undefined && !["same-origin", "none"].includes(fetchSite);
  const isFollowed = fetchMode === "navigate" && (method === "GET" || method === "HEAD");
  if (isForeign && !isFollowed) return refused(403, "origin", foreign, remedy);
  return undefined;
}

function judgeToken({ door, fields }: Request, want: Want, rules: RightsRules): RightsVerdict {
  const { authorization } = fields;
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? "")?.[1];
  if (authorization !== undefined && door.kind === "tcp" && rules.hasToken) {
    if (token === undefined || !rules.isToken(token)) {
      const remedy = "send the token of http.token in discd.lua: Authorization: Bearer TOKEN";
      return refused(401, "token", "the token is wrong", remedy);
    }
    return { kind: "granted", mayWrite: true };
  }
  if (door.kind === "unix") return { kind: "granted", mayWrite: true };
  if (want === "page" || (want === "read" && door.isLoopback)) {
    return { kind: "granted", mayWrite: false };
  }
  return withoutToken(door, want, rules);
}

function withoutToken(door: Door, want: Want, { hasToken }: RightsRules): RightsVerdict {
  const what = want === "write" ? "writing" : "reading from another host";
  if (hasToken) {
    const remedy = "send Authorization: Bearer TOKEN, with http.token of discd.lua";
    return refused(401, "token", `${what} needs the token`, remedy);
  }
  const elsewhere = door.isLoopback ? "" : ", or ask on this host itself";
  // env('NAME') gives none where the variable is not set.
  const how = "set http.token in discd.lua (and the variable, if it is env('…'))";
  const remedy = `${how}, or use the Unix socket${elsewhere}`;
  return refused(403, "token", `${what} needs a token, and none is set`, remedy);
}

/** The host part of a Host field, in lower case; undefined when it is none. */
function hostName(host: string | undefined): string | undefined {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host ?? "")?.[1];
  return found?.toLowerCase().replace(/\.$/, "");
}

/** No name that points elsewhere can be in a browser's address line when that is an address. */
function isOurName(name: string, { names }: RightsRules): boolean {
  if (name.startsWith("[")) return parseAddress(name.slice(1, -1)) !== undefined;
  return parseAddress(name) !== undefined || name === "localhost" || names.has(name);
}
