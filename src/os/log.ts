// The log on standard error: one JSON object a line, or lines for people where
// standard error is a terminal. Synchronous, so that the last line before an
// end is not lost; but whoever stops reading a pipe holds up nothing.

import { pino, type StreamEntry } from "pino";
import { type ClientLog, type Log, type LogLevel, shownClient } from "../log.js";

/** Bytes that wait for a reader; beyond it lines are lost, not queries. */
const unreadMax = 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

export interface LogSettings {
  /** The least that is logged. */
  readonly level: LogLevel;
  readonly clients: ClientLog;
}

export interface SystemLog extends Log {
  configure(settings: LogSettings): void;
  /** The last words of a program that has found a bug in itself. */
  fatal(name: string, fields: Fields): void;
}

/** Opens the log. */
export async function openLog({ level, clients: first }: LogSettings): Promise<SystemLog> {
  let clients = first;
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
      else logger[at](withClient(fields, clients), name);
    },
    configure(settings) {
      logger.level = settings.level;
      clients = settings.clients;
    },
    fatal(name, fields) {
      logger.fatal(fields, name);
    },
  };
}

function withClient(fields: Fields, how: ClientLog): Fields {
  const { client, ...others } = fields;
  if (how === "full" || typeof client !== "string") return fields;
  const shown = shownClient(client, how);
  return shown === undefined ? others : { ...others, client: shown };
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
