// What can be typed, and how a wrong command line is told.

/** The command line makes no sense; printed as one line, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a program has to say by its exit status. */
export const ExitStatus = { done: 0, nothing: 1, failed: 2, untested: 3 } as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

export const usageText = `usage: discli [OPTIONS] COMMAND

  browse [TYPE] [DOMAIN]      service instances of a type; without TYPE the types
  resolve INSTANCE            where a service is, and what it says of itself
  query NAME [TYPE]           one question, any type (default A)
  domains [DOMAIN]            the browse and registration domains: b, lb, db, r, dr
  delegation print DOMAIN     the records that the zone DOMAIN needs, from discd.lua

options
  --server ADDR[:PORT]        whom to ask; default: the system's resolver
  --config FILE               for delegation: default /etc/discd.lua
  --escaped                   print names as zone files spell them
  --json                      print JSON
  --help, --version

Names are plain UTF-8; a dot inside a label is written \\. (quote it in the shell).
Without DOMAIN, the search domains of /etc/resolv.conf are asked.
exit status: 0 done, 1 nothing found, 2 failed
`;

/** Commands that have a name but no code yet, so that nobody searches for a typing error. */
export const notYet = new Set([
  "show",
  "reload",
  "refresh",
  "stats",
  "health",
  "doctor",
  "leakcheck",
  "policy",
  "update",
  "tsig-policy",
]);
