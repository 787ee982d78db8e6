// The file with endpoints of DNS over HTTPS, or over TLS, that a site knows of: one
// a line, a URL, and perhaps the addresses that clients know it by without asking.

import { isIP } from "node:net";

export interface Endpoint {
  readonly url: string;
  readonly over: "https" | "tls";
  readonly host: string;
  readonly port: number;
  /** With the query string that the URL has, if any. */
  readonly path: string;
  /** Empty: the system's resolver is asked. */
  readonly addresses: readonly string[];
}

/** Bytes of the file, and endpoints in it: each is tried. */
export const listBytesMax = 65_536;
export const endpointsMax = 100;
const addressesMax = 8;

/** @returns the endpoints, or what is wrong, a line each */
export function readEndpoints(
  text: string,
  file: string,
): readonly Endpoint[] | { readonly problems: string } {
  const found: Endpoint[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [url, ...addresses] = line
      .replace(/(^|\s)#.*$/, "")
      .split(/\s+/)
      .filter(Boolean);
    if (url === undefined) continue;
    const endpoint = endpointOf(url, addresses);
    if (typeof endpoint === "string") problems.push(`${file}:${index + 1}: ${endpoint}`);
    else if (found.length >= endpointsMax)
      problems.push(`${file}: more than ${endpointsMax} endpoints`);
    else found.push(endpoint);
    if (problems.length >= 10) break;
  }
  return problems.length > 0 ? { problems: problems.join("\n") } : found;
}

const kinds: Readonly<Record<string, Endpoint["over"]>> = { "https:": "https", "tls:": "tls" };
const usualPorts = { https: 443, tls: 853 } as const;

function endpointOf(text: string, addresses: readonly string[]): Endpoint | string {
  // Lists also hold templates (RFC 8484 §4.1).
  const plain = text.replace(/\{\?dns\}$/i, "");
  const url = URL.canParse(plain) ? new URL(plain) : undefined;
  const over = url === undefined ? undefined : kinds[url.protocol];
  if (url === undefined || over === undefined || url.hostname === "") {
    const forms = "https://dns.example/dns-query or tls://dns.example";
    return `"${text}" is no endpoint; one looks like ${forms}`;
  }
  const wrong = addresses.find((one) => isIP(one) === 0);
  if (wrong !== undefined) return `"${wrong}" is no address`;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return {
    url: text,
    over,
    host,
    port: Number(url.port || usualPorts[over]),
    path: `${url.pathname}${url.search}`,
    addresses: isIP(host) === 0 ? addresses.slice(0, addressesMax) : [host],
  };
}
