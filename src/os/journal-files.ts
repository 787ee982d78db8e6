// The state files of update mode, one for each zone, in a folder that is ours
// alone: `link1.example.journal`, whose first line names the zone and whose others
// are those of update/journal.ts. What is appended is on the disk when the call
// returns; a file is replaced as a whole or not at all.
//
// While something is not on the disk, `isSafe` is false, and the driver lets no
// update out: a run that is killed would not know the records of that update as its
// own, and where the server knows no lifetimes nobody would ever remove them. What
// could not be written is kept, and written before anything else.

import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Log } from "../log.js";
import { after, type Duration, type Instant, seconds } from "../time.js";
import { formatNote, type Note, readJournal, snapshotOf } from "../update/journal.js";
import { recordKey } from "../update/offer.js";
import { FormatError } from "../wire/errors.js";
import { formatName, type Name, parseName } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { StartError } from "./listening.js";
import { codeOf } from "./multicast.js";

/**
 * The longest file that is read, in bytes: a zone at its limit of 20,000 records, each
 * written a dozen times since the file was shortened.
 */
export const fileBytesMax = 64 * 1024 * 1024;

/** The longest line: 64 KB of text, each byte escaped, and a name before it. */
export const lineMax = 4 * 65_535 + 2048;

/** Files that are read: more zones than links that a host can have. */
export const filesMax = 4096;

/** A file's name has 255 bytes at most; longer names of zones are told by their hash. */
const plainMax = 200;

const suffix = ".journal";

/** A fault that lasts is said again after this. */
const faultQuiet: Duration = seconds(600);

interface Unwritten {
  readonly zone: Name;
  /** By record. */
  readonly notes: Map<string, Note>;
}

/** What a state file holds. */
export interface Journal {
  readonly zone: Name;
  readonly own: readonly RR[];
}

/**
 * The name of a zone's file: lower case, what is neither letter, digit, `-` nor `_` as `%XX`,
 * labels apart by dots. Two zones never share one.
 */
export function journalName({ labels, key }: Name): string {
  // The key folds case, and so do the labels in it.
  const folded: string[] = [];
  for (let at = 0; at < key.length; ) {
    const length = key.charCodeAt(at);
    folded.push(key.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
  const safe = (label: string) =>
    label.replace(/[^a-z0-9_-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
  const plain = folded.map(safe).join(".");
  if (labels.length > 0 && plain.length <= plainMax) return `${plain}${suffix}`;
  // No plain name holds an equals sign.
  return `=${createHash("sha256").update(key, "latin1").digest("hex")}${suffix}`;
}

export class JournalFiles {
  readonly #log: Log;
  readonly #now: () => Instant;
  #folder: string | undefined;
  /** Another folder that was wished for, and said to come too late. */
  #refused: string | undefined;
  /** What is not on the disk, by zone. */
  readonly #unwritten = new Map<string, Unwritten>();
  /** When each effect of a fault was told last. */
  readonly #told = new Map<string, Instant>();
  #hasFailed = false;

  constructor(log: Log, now: () => Instant) {
    this.#log = log;
    this.#now = now;
  }

  /**
   * Makes a folder ready and uses it from now on. There is one for the whole run: what is ours
   * stands in it already.
   *
   * @throws StartError when files cannot be made in it
   */
  use(folder: string): void {
    if (this.#folder !== undefined) {
      this.#keep(this.#folder, folder);
      return;
    }
    const probe = join(folder, ".writable");
    try {
      makeFolder(folder);
      writeWhole(probe, "");
      rmSync(probe);
    } catch (error) {
      const cause = codeOf(error as Error);
      throw new StartError(
        `what is published cannot be remembered in ${folder}: ${inWords(cause)}; ` +
          "let discd write there, or name another folder as update.state",
      );
    }
    this.#folder = folder;
  }

  #keep(folder: string, wanted: string): void {
    if (wanted === folder || wanted === this.#refused) return;
    this.#refused = wanted;
    const remedy = "restart discd; copy the files before, or it will not know its own";
    this.#log.event("warn", "state-folder-kept", { folder, wanted, remedy });
  }

  /** Everything that the files hold; what is wrong in them is logged and passed over. */
  readAll(): Journal[] {
    if (this.#folder === undefined) return [];
    const folder = this.#folder;
    const names = readdirSync(folder).filter((name) => name.endsWith(suffix));
    if (names.length > filesMax) {
      this.#tell(folder, `of ${names.length} files, ${filesMax} are read`);
    }
    return names
      .sort()
      .slice(0, filesMax)
      .flatMap((name) => {
        const journal = this.#read(join(folder, name), name);
        return journal === undefined ? [] : [journal];
      });
  }

  /** Appends notes to the file of a zone; on disk afterwards, or `isSafe` is false. */
  remember(zone: Name, notes: readonly Note[]): void {
    const waiting = this.#unwritten.get(zone.key) ?? { zone, notes: new Map() };
    for (const note of notes) {
      const key = recordKey(note.rr);
      // Of each record the last note counts, however often an update is tried.
      waiting.notes.delete(key);
      waiting.notes.set(key, note);
    }
    this.#unwritten.set(zone.key, waiting);
    this.#flush();
  }

  /** Replaces the file of a zone by what is its own now. */
  replace(zone: Name, own: readonly RR[]): void {
    const path = this.#pathOf(zone);
    const beside = `${path}.new`;
    try {
      writeWhole(beside, `${[headOf(zone), ...snapshotOf(own)].join("\n")}\n`);
      renameSync(beside, path);
      syncFolder(this.#folder as string);
    } catch (error) {
      this.#failed(path, error as Error, "the longer file, which says the same, stays");
      return;
    }
    // The engine says it after all that it had to remember.
    this.#unwritten.delete(zone.key);
  }

  /** Whether all that was to be remembered is on the disk; tries again if not. */
  isSafe(): boolean {
    if (this.#unwritten.size > 0) this.#flush();
    return this.#unwritten.size === 0;
  }

  #flush(): void {
    for (const [key, { zone, notes }] of this.#unwritten) {
      const path = this.#pathOf(zone);
      try {
        this.#append(path, zone, Array.from(notes.values(), formatNote));
      } catch (error) {
        this.#hasFailed = true;
        this.#failed(path, error as Error, "no zone is updated: a restart would not know its own");
        continue;
      }
      this.#unwritten.delete(key);
    }
    if (this.#unwritten.size > 0 || !this.#hasFailed) return;
    this.#hasFailed = false;
    this.#told.clear();
    this.#log.event("info", "state-file-written", { effect: "updates go on" });
  }

  #append(path: string, zone: Name, lines: readonly string[]): void {
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    try {
      // A line that was cut may read as one of another record: it goes.
      const end = endOfLines(fd);
      ftruncateSync(fd, end);
      const head = end === 0 ? [headOf(zone)] : [];
      try {
        writeFully(fd, `${[...head, ...lines].join("\n")}\n`);
        fsyncSync(fd);
      } catch (error) {
        ftruncateSync(fd, end);
        throw error;
      }
      if (end === 0) syncFolder(this.#folder as string);
    } finally {
      closeSync(fd);
    }
  }

  #read(path: string, name: string): Journal | undefined {
    let text: string;
    try {
      const found = statSync(path);
      // Reading a pipe would wait for whoever writes to it.
      if (!found.isFile()) {
        this.#tell(path, "it is no file");
        return undefined;
      }
      const { size } = found;
      if (size > fileBytesMax) {
        this.#setAside(path, `${size} bytes are more than ${fileBytesMax}`);
        return undefined;
      }
      text = readFileSync(path, "latin1");
    } catch (error) {
      this.#tell(path, inWords(codeOf(error as Error)));
      return undefined;
    }
    // Nothing was ever written to it but, perhaps, a part of its head.
    if (!text.includes("\n")) return undefined;
    const [head = "", ...lines] = text.split("\n");
    // What has no end was cut, and whatever it reads as was never sent.
    const isCut = lines.pop() !== "";
    const zone = readHead(head);
    if (zone === undefined || journalName(zone) !== name) {
      this.#setAside(path, zone === undefined ? "it names no zone" : "it is another zone's");
      return undefined;
    }
    const { own, faults } = readJournal(lines.map((line) => (line.length > lineMax ? "?" : line)));
    const unread = faults + (isCut ? 1 : 0);
    if (unread > 0) this.#tell(path, `${unread} lines cannot be read, and do not count`);
    return { zone, own };
  }

  /** A file that is of no use is kept for whoever wants to look, and a new one begun. */
  #setAside(path: string, reason: string): void {
    try {
      renameSync(path, `${path}.unread`);
    } catch {
      // What is said of it is the same.
    }
    this.#tell(path, `${reason}; set aside as ${path}.unread`);
  }

  #tell(file: string, problem: string): void {
    this.#log.event("warn", "state-file-faulty", { file, problem });
  }

  #failed(file: string, error: Error, effect: string): void {
    const at = this.#now();
    const told = this.#told.get(effect);
    if (told !== undefined && at < after(told, faultQuiet)) return;
    this.#told.set(effect, at);
    const reason = inWords(codeOf(error));
    this.#log.event("error", "state-file-not-written", { file, reason, effect });
  }

  #pathOf(zone: Name): string {
    if (this.#folder === undefined) throw new Error("no folder for state files was given");
    return join(this.#folder, journalName(zone));
  }
}

const headOf = (zone: Name): string => `zone ${formatName(zone)}`;

function readHead(line: string): Name | undefined {
  const text = /^zone (\S+)$/.exec(line)?.[1];
  if (text === undefined) return undefined;
  try {
    return parseName(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

/** Where the last whole line of a file ends; 0 when there is none. */
function endOfLines(fd: number): number {
  let end = fstatSync(fd).size;
  const part = Buffer.alloc(4096);
  while (end > 0) {
    const start = Math.max(end - part.length, 0);
    const last = part.subarray(0, readSync(fd, part, 0, end - start, start)).lastIndexOf("\n");
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return 0;
}

function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** With the folders above it. Node's own way to do that never returns below /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error as Error);
    if (code === "EEXIST" && statSync(folder).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

/** A file of its own with this text, on disk. */
function writeWhole(path: string, text: string): void {
  rmSync(path, { force: true });
  const fd = openSync(path, "wx", 0o600);
  try {
    writeFully(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What was made or renamed in a folder stays there after a power cut. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function inWords(code: string): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "it is on a file system that is read-only";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    case "ENOTDIR":
    case "EEXIST":
      return "a file stands where a folder should be";
    case "EIO":
      return "the disk reports an error";
    default:
      return code;
  }
}
