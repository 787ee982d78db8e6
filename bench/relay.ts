// What Push is measured against: a bare node:tls server. It answers the first
// bytes of a connection as SUBSCRIBE is answered, and writes a fixed number of
// bytes to all connections whenever a datagram comes.

import { createSocket } from "node:dgram";
import { createServer, type TLSSocket } from "node:tls";
import { makeSelfSigned } from "../src/os/self-signed.js";
import { tell } from "./roles.js";

/** A response to a SUBSCRIBE with message ID 1, with its length in front. */
const response = Buffer.from("000c0001b0000000000000000000", "hex");

/** @param size  bytes written to each, with their length in front */
export function relay(address: string, port: number, link: string, size: number): void {
  const sockets = new Set<TLSSocket>();
  const { credentials } = makeSelfSigned(["px.example.com"], Date.now());
  const server = createServer({ ...credentials, ALPNProtocols: ["dot"] }, (socket) => {
    sockets.add(socket);
    socket.on("data", () => socket.write(response));
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  const news = Buffer.alloc(size, 1);
  const trigger = createSocket("udp4");
  trigger.on("message", () => {
    for (const socket of sockets) socket.write(news);
  });
  trigger.bind(port, link, () => {
    server.listen({ port, host: address, backlog: 1024 }, () => tell({ ready: true }));
  });
}
