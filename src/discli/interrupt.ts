// Commands that go on until somebody ends them by Ctrl-C.

/** Aborted by the first SIGINT or SIGTERM; the next one ends the process as usual. */
export function untilInterrupted(): AbortSignal {
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end.abort());
  return end.signal;
}
