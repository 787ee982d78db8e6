// The log on standard error: one JSON object a line, or lines for people where
// standard error is a terminal. Synchronous, so that the last line before an
// end is not lost; but whoever stops reading a pipe holds up nothing.

import { pino, type StreamEntry } from "pino";
import type { Log, LogLevel } from "../log.js";

/** Bytes that wait for a reader; beyond it lines are lost, not queries. */
const unreadMax = 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

export interface SystemLog extends Log {
  setLevel(level: LogLevel): void;
  /** The last words of a program that has found a bug in itself. */
  fatal(name: string, fields: Fields): void;
}

/** Opens the log. */
export async function openLog(level: LogLevel): Promise<SystemLog> {
  const logger = pino(
    {
      level,
      messageKey: "event",
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    await stderrStream(),
  );
  return {
    event(at, name, fields) {
      if (fields === undefined) logger[at](name);
      else logger[at](fields, name);
    },
    setLevel(next) {
      logger.level = next;
    },
    fatal(name, fields) {
      logger.fatal(fields, name);
    },
  };
}

async function stderrStream(): Promise<StreamEntry["stream"]> {
  if (!process.stderr.isTTY) {
    // The pipe does not block, since Node has been asked what it is. A full one is tried
    // again with the next line, where the library would sleep until there is room.
    const retryEAGAIN = () => false;
    const plain = pino.destination({ dest: 2, sync: true, maxLength: unreadMax, retryEAGAIN });
    // Nobody reads any more, or the disk is full: no reason to stop serving.
    plain.on("error", () => {});
    // Everything that can be written has been; the library would wait for the rest.
    plain.flushSync = () => {};
    return plain;
  }
  const { PinoPretty } = await import("pino-pretty");
  const pretty = PinoPretty({
    destination: 2,
    sync: true,
    messageKey: "event",
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  });
  pretty.on("error", () => {});
  return pretty;
}
