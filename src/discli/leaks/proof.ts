// The capture file that a leak check leaves behind.

import { type FileHandle, open, unlink } from "node:fs/promises";
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
  readonly #isWanted: boolean;
  readonly #file: FileHandle;

  private constructor(path: string, isWanted: boolean, file: FileHandle) {
    this.#path = path;
    this.#isWanted = isWanted;
    this.#file = file;
  }

  /**
   * Opens it before anything is asked: what cannot be proved need not be tried.
   *
   * @param path  undefined: a new file in the folder for temporary files
   * @throws Failure with the system's reason
   */
  static async open(path: string | undefined, word: string): Promise<ProofFile> {
    const place = path ?? join(tmpdir(), `discli-leakcheck-${word}.pcap`);
    try {
      // Names of servers and clients are nobody else's business.
      const file = await open(place, path === undefined ? "wx" : "w", 0o600);
      return new ProofFile(place, path !== undefined, file);
    } catch (error) {
      const remedy = "name a file that can be written with --pcap FILE";
      throw new Failure(`${place}: ${(error as NodeJS.ErrnoException).code}; ${remedy}`);
    }
  }

  /** @returns undefined where there is nothing to keep, and nobody asked for a file */
  async keep(packets: readonly PassedPacket[]): Promise<Proof | undefined> {
    if (packets.length === 0 && !this.#isWanted) {
      await this.discard();
      return undefined;
    }
    await this.#file.writeFile(pcapFile(packets, keptMax));
    await this.#file.close();
    return { path: this.#path, packets: packets.length };
  }

  /** What nobody asked for is not left behind empty. */
  async discard(): Promise<void> {
    await this.#file.close();
    if (!this.#isWanted) await unlink(this.#path);
  }
}
