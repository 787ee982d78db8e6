// A capture file that tcpdump and Wireshark read (draft-ietf-opsawg-pcap), with
// packets of several interfaces: LINKTYPE_LINUX_SLL2, which holds the index of
// the interface and the way the packet went (www.tcpdump.org/linktypes).

import type { PassedPacket } from "../../os/packets.js";

const magic = 0xa1b2c3d4;
const linkTypeCooked = 276;
const fileHeaderSize = 24;
const packetHeaderSize = 16;
const cookedHeaderSize = 20;

/** Its `way` says already whether it left. */
export type CapturedPacket = Omit<PassedPacket, "isOutgoing">;

/** @param keptMax  where packets were cut off */
export function pcapFile(packets: readonly CapturedPacket[], keptMax: number): Uint8Array {
  const header = new Uint8Array(fileHeaderSize);
  const view = new DataView(header.buffer);
  view.setUint32(0, magic, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, keptMax + cookedHeaderSize, true);
  view.setUint32(20, linkTypeCooked, true);
  return Buffer.concat([header, ...packets.map(record)]);
}

function record(packet: CapturedPacket): Uint8Array {
  const { at, protocol, hardware, way, station, bytes, length } = packet;
  const made = new Uint8Array(packetHeaderSize + cookedHeaderSize + bytes.length);
  const view = new DataView(made.buffer);
  view.setUint32(0, Math.floor(at / 1_000_000), true);
  view.setUint32(4, Math.floor(at % 1_000_000), true);
  view.setUint32(8, cookedHeaderSize + bytes.length, true);
  view.setUint32(12, cookedHeaderSize + length, true);
  const cooked = packetHeaderSize;
  view.setUint16(cooked, protocol);
  view.setUint32(cooked + 4, packet.interface);
  view.setUint16(cooked + 8, hardware);
  view.setUint8(cooked + 10, way);
  view.setUint8(cooked + 11, Math.min(station.length, 8));
  made.set(station.subarray(0, 8), cooked + 12);
  made.set(bytes, cooked + cookedHeaderSize);
  return made;
}
