// The capture file that a leak check leaves behind.

import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptMax } from "../../os/packet-filter.js";
import type { PassedPacket } from "../../os/packets.js";
import { Failure } from "../command.js";
import { pcapFile } from "./pcap.js";

export interface Proof {
  readonly path: string;
  readonly packets: number;
}

export class ProofFile {
  readonly #path: string;
  /** Open from the start where somebody has named it. */
  readonly #file: FileHandle | undefined;

  private constructor(path: string, file: FileHandle | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * A file that is named is opened before anything is asked, and stays, however little there
   * is to see. The usual one is made when there is something to keep.
   *
   * @param path  undefined: in the folder for temporary files
   * @throws Failure with the system's reason
   */
  static async open(path: string | undefined, word: string): Promise<ProofFile> {
    if (path !== undefined) return new ProofFile(path, await made(path, "w"));
    return new ProofFile(join(tmpdir(), `discli-leakcheck-${word}.pcap`), undefined);
  }

  /**
   * @returns undefined where there is nothing to keep, and nobody asked for a file
   * @throws Failure with the system's reason
   */
  async keep(packets: readonly PassedPacket[]): Promise<Proof | undefined> {
    if (packets.length === 0 && this.#file === undefined) return undefined;
    const file = this.#file ?? (await made(this.#path, "wx"));
    await file.writeFile(pcapFile(packets, keptMax));
    await file.close();
    return { path: this.#path, packets: packets.length };
  }
}

/** Names of servers and clients are nobody else's business. */
async function made(path: string, flags: "w" | "wx"): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    const remedy = "name a file that can be written with --pcap FILE";
    throw new Failure(`${path}: ${(error as NodeJS.ErrnoException).code}; ${remedy}`);
  }
}
