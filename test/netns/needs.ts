// What a system test needs of the machine. Where something is missing the test
// is skipped under a name that says how to get it; where nothing may be skipped
// (CI, or DISCD_TEST_REQUIRE=1) it fails with the same words.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";

/** Debian package of each program. */
const packages = {
  "avahi-daemon": "avahi-daemon",
  bash: "bash",
  chromium: "chromium",
  curl: "curl",
  "dbus-daemon": "dbus-daemon",
  delv: "bind9-dnsutils",
  dig: "bind9-dnsutils",
  "dnssec-verify": "bind9-utils",
  fish: "fish",
  ip: "iproute2",
  kdig: "knot-dnsutils",
  knotd: "knot",
  kzonecheck: "knot-dnssecutils",
  "ldns-verify-zone": "ldnsutils",
  named: "bind9",
  "named-checkzone": "bind9-utils",
  nft: "nftables",
  nsd: "nsd",
  nsupdate: "bind9-dnsutils",
  openssl: "openssl",
  // Its backend is a package of its own, and has no program.
  pdns_server: "pdns-server pdns-backend-sqlite3",
  pdnsutil: "pdns-server",
  promtool: "prometheus",
  resolvectl: "systemd-resolved",
  script: "bsdutils",
  sqlite3: "sqlite3",
  ss: "iproute2",
  strace: "strace",
  tcpdump: "tcpdump",
  unbound: "unbound",
  unshare: "util-linux",
  zsh: "zsh",
} as const;

export type Need = keyof typeof packages | "root";

const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

function isThere(need: Need): boolean {
  if (need === "root") {
    return process.getuid?.() === 0 && spawnSync("unshare", ["-n", "-m", "true"]).status === 0;
  }
  return path.split(":").some((folder) => {
    try {
      accessSync(join(folder, need), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const known = new Map<Need, boolean>();

function isMissing(need: Need): boolean {
  if (!known.has(need)) known.set(need, isThere(need));
  return known.get(need) === false;
}

/** Whether a missing program is a failure instead of a skipped test. */
export const isEverythingRequired =
  process.env.DISCD_TEST_REQUIRE === "1" || (process.env.CI ?? "") !== "";

type Run = () => void | Promise<void>;

export interface Case {
  (title: string, run: Run, timeout?: number): void;
  /** Runs beside its concurrent neighbours of the same file. */
  concurrent(title: string, run: Run, timeout?: number): void;
}

/** How to get what is missing, for the end of a title. */
function remedy(missing: readonly Need[]): string {
  const debian = new Set(missing.flatMap((need) => (need === "root" ? [] : [packages[need]])));
  const ways = missing.includes("root") ? ["run as root"] : [];
  if (debian.size > 0) ways.push(`apt-get install -y ${[...debian].sort().join(" ")}`);
  return `(needs ${missing.join(", ")}: ${ways.join("; ")})`;
}

/** vitest's `test` where everything is there; root and iproute2 are always wanted. */
export function needs(...wanted: Need[]): Case {
  const missing = ["root", "ip", "unshare", ...wanted].filter((need) =>
    isMissing(need as Need),
  ) as Need[];
  if (missing.length === 0) {
    const plain = (title: string, run: Run, timeout?: number) => test(title, run, timeout);
    return Object.assign(plain, {
      concurrent: (title: string, run: Run, timeout?: number) =>
        test.concurrent(title, run, timeout),
    });
  }
  const why = remedy(missing);
  const without = (title: string) => {
    if (!isEverythingRequired) test.skip(`${title} ${why}`, () => {});
    else {
      test(title, () => {
        throw new Error(`a required program is missing ${why}`);
      });
    }
  };
  return Object.assign(without, { concurrent: without });
}
