// What is wrong with a message, and where: each fault that strict decoding
// finds, its place by byte (RFC 1035 §4.1, RFC 4034 §4.1.2, RFC 6891 §6.1).

import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/wire/errors.js";
import { decodeMessage } from "../../src/wire/message.js";
import { hex } from "./captures.js";

/** A response that asks for a.local A, at offset 12, and has as many answers, from 25 on. */
const response = (answers: number): string =>
  `0000 8400 0001 000${answers} 0000 0000 0161 056c6f63616c 00 0001 0001`;

function faultOf(run: () => unknown): FormatError {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error("no fault was found");
}

describe("faults", () => {
  const table: readonly {
    readonly what: string;
    readonly bytes: string;
    readonly where: string;
    readonly offset: number;
    readonly says: string;
  }[] = [
    {
      what: "a question is announced and missing",
      bytes: "0000 0000 0001 0000 0000 0000",
      where: "question",
      offset: 12,
      says: "ends inside a name",
    },
    {
      what: "a question without its class",
      bytes: "0000 0000 0001 0000 0000 0000 00 0001",
      where: "question",
      offset: 15,
      says: "ends too early",
    },
    {
      what: "bytes behind the last record",
      bytes: `${response(0)} 00`,
      where: "message",
      offset: 25,
      says: "bytes after the last record",
    },
    {
      what: "a label runs past the end",
      bytes: "0000 0000 0001 0000 0000 0000 3f61",
      where: "question",
      offset: 76,
      says: "ends inside a name",
    },
    {
      what: "label type 01",
      bytes: "0000 0000 0001 0000 0000 0000 41 00 0001 0001",
      where: "question",
      offset: 12,
      says: "unknown label type",
    },
    {
      what: "label type 10",
      bytes: "0000 0000 0001 0000 0000 0000 80 00 0001 0001",
      where: "question",
      offset: 12,
      says: "unknown label type",
    },
    {
      what: "half a pointer",
      bytes: `${response(1)} c0`,
      where: "owner",
      offset: 25,
      says: "ends inside a pointer",
    },
    {
      what: "a pointer to itself",
      bytes: `${response(1)} c019 0001 0001 00000078 0004 c0000201`,
      where: "owner",
      offset: 25,
      says: "does not lead backwards",
    },
    {
      what: "a pointer forwards",
      bytes: `${response(1)} c01b 00 0001 0001 00000078 0004 c0000201`,
      where: "owner",
      offset: 25,
      says: "does not lead backwards",
    },
    {
      what: "a pointer to the labels in front of it",
      bytes: `${response(1)} 0161c019 0001 0001 00000078 0004 c0000201`,
      where: "owner",
      offset: 27,
      says: "does not lead backwards",
    },
    {
      what: "a pointer into the header",
      bytes: `${response(1)} c00b 0001 0001 00000078 0004 c0000201`,
      where: "owner",
      offset: 25,
      says: "does not lead backwards",
    },
    {
      what: "rdata runs past the end",
      bytes: `${response(1)} c00c 0001 0001 00000078 0005 c0000201`,
      where: "rdata",
      offset: 37,
      says: "ends inside rdata",
    },
    {
      what: "an A of three bytes",
      bytes: `${response(1)} c00c 0001 0001 00000078 0003 c00002`,
      where: "a",
      offset: 37,
      says: "ends too early",
    },
    {
      what: "an A of five bytes",
      bytes: `${response(1)} c00c 0001 0001 00000078 0005 c000020102`,
      where: "a",
      offset: 41,
      says: "longer than its fields",
    },
    {
      what: "a PTR with something behind it",
      bytes: `${response(1)} c00c 000c 0001 00000078 0003 c00c00`,
      where: "ptr",
      offset: 39,
      says: "longer than its fields",
    },
    {
      what: "a name in rdata that ends outside of it",
      bytes: `${response(1)} c00c 000c 0001 00000078 0002 0161 00`,
      where: "ptr",
      offset: 39,
      says: "ends inside a name",
    },
    {
      what: "a TXT string that runs past its rdata",
      bytes: `${response(1)} c00c 0010 0001 00000078 0003 036162 63`,
      where: "txt",
      offset: 38,
      says: "ends too early",
    },
    {
      what: "an SRV without a target",
      bytes: `${response(1)} c00c 0021 0001 00000078 0006 000000000050`,
      where: "srv",
      offset: 43,
      says: "ends inside a name",
    },
    {
      what: "a PTR of class IN without rdata",
      bytes: `${response(1)} c00c 000c 0001 00000078 0000`,
      where: "ptr",
      offset: 37,
      says: "ends inside a name",
    },
    {
      what: "an NSEC block of no bytes",
      bytes: `${response(1)} c00c 002f 0001 00000078 0004 c00c 0000`,
      where: "nsec",
      offset: 39,
      says: "bitmap",
    },
    {
      what: "an NSEC block of 33 bytes",
      bytes: `${response(1)} c00c 002f 0001 00000078 0025 c00c 0021 ${"ff".repeat(33)}`,
      where: "nsec",
      offset: 39,
      says: "bitmap",
    },
    {
      what: "NSEC blocks that do not ascend",
      bytes: `${response(1)} c00c 002f 0001 00000078 0008 c00c 000140 000140`,
      where: "nsec",
      offset: 42,
      says: "bitmap",
    },
    {
      what: "an OPT below a name",
      bytes: "0000 0000 0000 0000 0000 0001 0161 00 0029 04d0 00000000 0000",
      where: "OPT",
      offset: -1,
      says: "not owned by the root",
    },
    {
      what: "two OPTs",
      bytes: "0000 0000 0000 0000 0000 0002 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000",
      where: "OPT",
      offset: 34,
      says: "more than one OPT",
    },
    {
      what: "an EDNS option that runs past the OPT",
      bytes: "0000 0000 0000 0000 0000 0001 00 0029 04d0 00000000 0005 0003 0002 61",
      where: "opt",
      offset: 27,
      says: "ends too early",
    },
  ];
  test.each(table)("$what", ({ bytes, where, offset, says }) => {
    const fault = faultOf(() => decodeMessage(hex(bytes)));
    expect(fault).toMatchObject({ where, offset });
    expect(fault.message).toContain(says);
  });
});
