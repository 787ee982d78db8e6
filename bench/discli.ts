// discli as somebody types it: from its start to the first packet, and from the
// server's answer to the first line. The server is this process, on loopback.

import { spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { decodeMessage, encodeMessage } from "../src/wire/message.js";
import { parseRRs } from "../src/wire/text.js";
import { median, type Row, spread } from "./row.js";

const rounds = 15;
const program = "bin/discli";
const type = "_ipp._tcp.floor1.example.com.";
const printers = Array.from({ length: 12 }, (_, at) => `${type} 10 PTR Printer\\032${at}.${type}`);

interface Times {
  /** Milliseconds from the start of the program to its question. */
  readonly start: number;
  /** From the answer to the first line that is printed. */
  readonly line: number;
}

async function round(server: Socket, command: readonly string[]): Promise<Times> {
  const [file = "", ...words] = command;
  const startedAt = performance.now();
  let askedAt = 0;
  server.once("message", (bytes, { port, address }) => {
    askedAt = performance.now();
    const { id, questions } = decodeMessage(bytes);
    const answers = parseRRs(printers.join("\n"));
    server.send(encodeMessage({ id, isResponse: true, questions, answers }), port, address);
  });
  const child = spawn(file, words, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const printedAt = performance.now();
  child.stdout.resume();
  await once(child, "close");
  if (child.exitCode !== 0) throw new Error(`discli: status ${child.exitCode}`);
  return { start: askedAt - startedAt, line: printedAt - askedAt };
}

function row(what: string, times: readonly number[], bound: number): Row {
  return {
    what: `discli browse: ${what}`,
    value: `${median(times).toFixed(1)} ms (${spread(times)})`,
    promise: `under ${bound} ms`,
    isKept: median(times) < bound,
  };
}

export async function discli(): Promise<Row[]> {
  const server = createSocket("udp4");
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const words = `--server 127.0.0.1:${server.address().port} browse _ipp._tcp floor1.example.com`;
  const piped = [program, ...words.split(" ")];
  const seen = ["script", "-qec", `${program} ${words}`, "/dev/null"];
  try {
    // The first finds nothing of Node in the kernel's cache.
    await round(server, piped);
    const [pipe, terminal]: [Times[], Times[]] = [[], []];
    for (let at = 0; at < rounds; at++) {
      pipe.push(await round(server, piped));
      terminal.push(await round(server, seen));
    }
    return [
      row(
        "start to first packet",
        pipe.map(({ start }) => start),
        150,
      ),
      row(
        "answer to first line, in a pipe",
        pipe.map(({ line }) => line),
        50,
      ),
      row(
        "answer to first line, in a terminal",
        terminal.map(({ line }) => line),
        50,
      ),
    ];
  } finally {
    server.close();
  }
}
