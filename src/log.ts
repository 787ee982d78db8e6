// The log as the cores see it: an event name and fields. The name is short,
// lower-case and stable, so that operators can search for it and tests can
// demand that something happened. os/log.ts writes the lines.

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  event(level: LogLevel, name: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A log that keeps nothing, for tests and tools. */
export const silentLog: Log = { event() {} };
