// The pages of discweb as they are served: bytes that were read at the start,
// under names that were known then. No path of a request ever becomes the name of
// a file.

import type { Answer, Request } from "./exchange.js";

/** One file of discweb. */
export interface Page {
  readonly type: string;
  readonly body: Uint8Array;
  /** A quoted entity tag: equal for equal bytes. */
  readonly tag: string;
}

/** By path: `/` is the page itself. */
export type Pages = ReadonlyMap<string, Page>;

/** Everything comes from here, nothing runs that is not a file of ours. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // No text becomes markup or script, whatever a device calls itself.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** By the ending of a file's name; others are not served. */
export const pageTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};

/** Sent again only when it has changed: an upgrade must not leave old scripts with new ones. */
export function pageAnswer({ type, body, tag }: Page, request: Request): Answer {
  const fields = { etag: tag, "cache-control": "no-cache", "content-security-policy": policy };
  const { ifNoneMatch } = request.fields;
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  if (tags.includes(tag) || tags.includes("*")) {
    return { kind: "whole", status: 304, type, body: "", fields };
  }
  return { kind: "whole", status: 200, type, body, fields };
}
