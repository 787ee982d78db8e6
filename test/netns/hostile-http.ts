// HTTP requests that mean no good, byte by byte, and what comes back of them.

import type { RemoteSocket } from "./agent.js";

export const host = "Host: 127.0.0.1:8053";

// Where /metrics counts what was refused.
export const drops = (reason: string) => `discd_drops_total{reason="http-${reason}"}`;
export const limits = (limit: string) => `discd_limits_total{limit="http-${limit}"}`;

export const textOf = ({ arrivals }: RemoteSocket) =>
  Buffer.concat(arrivals.map(({ bytes }) => bytes)).toString("latin1");

export const statusOf = (socket: RemoteSocket) =>
  Number(/^HTTP\/1\.1 (\d{3})/.exec(textOf(socket))?.[1] ?? 0);

/** What is sent, from the host itself or from another one, and how it is refused. */
export const malformed: readonly (readonly [string, number, string])[] = [
  ["nonsense\r\n\r\n", 400, "malformed"],
  ["\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "malformed"],
  [`GET / HTTP/9.9\r\n${host}\r\n\r\n`, 400, "malformed"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed"],
  [`GET / HTTP/1.1\r\n${host}\r\nnonsense\r\n\r\n`, 400, "malformed"],
  [`GET / HTTP/1.1\r\n${host}\r\nA: b\0c\r\n\r\n`, 400, "malformed"],
  [`POST / HTTP/1.1\r\n${host}\r\nContent-Length: -1\r\n\r\n`, 400, "malformed"],
  [
    `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    "malformed",
  ],
  ["GET / HTTP/1.1\r\n\r\n", 400, "host"],
  ["GET / HTTP/1.0\r\n\r\n", 400, "host"],
  [`GET / HTTP/1.1\r\n${host}\r\nHost: evil.example\r\n\r\n`, 400, "host"],
  ["GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "host"],
  [`GET http://evil.example/ HTTP/1.1\r\n${host}\r\n\r\n`, 400, "target"],
  [`GET /${"a".repeat(3_000)} HTTP/1.1\r\n${host}\r\n\r\n`, 414, "target"],
  [`GET /v1/services?zone=%ff HTTP/1.1\r\n${host}\r\n\r\n`, 400, "target"],
  [`GET /${"a".repeat(20_000)}`, 431, "fields"],
  [`GET / HTTP/1.1\r\n${host}\r\nA: ${"a".repeat(20_000)}`, 431, "fields"],
  [`GET / HTTP/1.1\r\n${host}\r\n${"a: b\r\n".repeat(200)}\r\n`, 431, "fields"],
  [`POST / HTTP/1.1\r\n${host}\r\nContent-Length: 9999999\r\n\r\n`, 413, "body"],
  [
    `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n${"a".repeat(0x2000)}`,
    413,
    "body",
  ],
  [`POST / HTTP/1.1\r\n${host}\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`, 417, "body"],
  [`TRACE / HTTP/1.1\r\n${host}\r\n\r\n`, 405, "method"],
  [`OPTIONS / HTTP/1.1\r\n${host}\r\n\r\n`, 405, "method"],
  [`CONNECT 127.0.0.1:53 HTTP/1.1\r\n${host}\r\n\r\n`, 405, "method"],
  [`GET /../../../etc/passwd HTTP/1.1\r\n${host}\r\n\r\n`, 404, "path"],
  [`GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n${host}\r\n\r\n`, 404, "path"],
  [`GET /..\\..\\etc HTTP/1.1\r\n${host}\r\n\r\n`, 404, "path"],
  [`GET / HTTP/1.1\r\n${host}\r\nOrigin: http://evil.example\r\n\r\n`, 403, "origin"],
];
