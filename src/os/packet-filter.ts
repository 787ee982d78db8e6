// A program for the kernel (socket filters of linux/filter.h) that keeps what
// cannot hold a readable name away from a socket that hears every interface: a
// busy host would fill its buffer. It sees packets from the IP header on.

/** One instruction: what, where to go when true and when false, with which number. */
export type Instruction = readonly [code: number, yes: number, no: number, value: number];

const loadByte = 0x30;
const loadHalf = 0x28;
/** The length of an IPv4 header, from its first byte. */
const loadHeaderLength = 0xb1;
const loadHalfBehind = 0x48;
const and = 0x54;
const isEqual = 0x15;
const give = 0x06;

const udp = 17;
const tcp = 6;
const dnsPort = 53;
/** QUIC, which nobody can read, and the most of what a host receives. */
const quicPort = 443;

/** Bytes of a packet that are kept: the longest query with all headers in front of it. */
export const keptMax = 2048;

/** A step whose ways out are labels. */
type Step = readonly [code: number, value: number, yes?: string, no?: string];

/**
 * Everything but TCP that is not to or from port 53, UDP that is to or from port 443, and what
 * is no IP. What has a VLAN's tag in front is kept, and so is every other protocol.
 */
const steps: readonly (string | Step)[] = [
  [loadByte, 0],
  [and, 0xf0],
  [isEqual, 0x40, "v4"],
  [isEqual, 0x60, "v6", "keep"],
  "v4",
  [loadByte, 9],
  [isEqual, tcp, "tcp4"],
  [isEqual, udp, "", "keep"],
  [loadHeaderLength, 0],
  [loadHalfBehind, 0],
  [isEqual, quicPort, "drop"],
  [loadHalfBehind, 2],
  [isEqual, quicPort, "drop", "keep"],
  "tcp4",
  [loadHeaderLength, 0],
  [loadHalfBehind, 0],
  [isEqual, dnsPort, "keep"],
  [loadHalfBehind, 2],
  [isEqual, dnsPort, "keep", "drop"],
  "v6",
  [loadByte, 6],
  [isEqual, tcp, "tcp6"],
  [isEqual, udp, "", "keep"],
  [loadHalf, 40],
  [isEqual, quicPort, "drop"],
  [loadHalf, 42],
  [isEqual, quicPort, "drop", "keep"],
  "tcp6",
  [loadHalf, 40],
  [isEqual, dnsPort, "keep"],
  [loadHalf, 42],
  [isEqual, dnsPort, "keep"],
  "drop",
  [give, 0],
  "keep",
  [give, keptMax],
];

/** The program with its jumps counted. */
export function namesFilter(): readonly Instruction[] {
  const places = new Map<string, number>();
  const program: Step[] = [];
  for (const step of steps) {
    if (typeof step === "string") places.set(step, program.length);
    else program.push(step);
  }
  return program.map(([code, value, yes = "", no = ""], index) => {
    const jump = (label: string) => (label === "" ? 0 : (places.get(label) as number) - index - 1);
    return [code, jump(yes), jump(no), value];
  });
}

/** As the kernel wants it: struct sock_filter, of eight bytes each. */
export function filterBytes(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, yes, no, value], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, yes);
    view.setUint8(index * 8 + 3, no);
    view.setUint32(index * 8 + 4, value, true);
  });
  return bytes;
}
