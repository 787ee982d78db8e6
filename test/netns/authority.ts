// An authority made with the openssl program: a root, an intermediate below it,
// and servers' certificates below that, as files in a folder. Nothing of it comes
// from the product's own encoder.

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./children.js";

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export interface Issued {
  /** The server's own certificate, PEM. */
  readonly leaf: string;
  /** PEM. */
  readonly key: string;
  /** As `openssl x509 -fingerprint -sha256` prints it, `AB:CD:…`. */
  readonly fingerprint: string;
}

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), "discd-authority-"));
  /** Path of the root's certificate, for -CAfile. */
  readonly root = this.#in("root.pem");
  /** The intermediate, PEM. */
  readonly middle: string;
  #count = 0;

  constructor() {
    const isAuthority = "basicConstraints=critical,CA:TRUE";
    const subject = ["-subj", "/CN=Lab Root", "-addext", isAuthority];
    const out = ["-keyout", this.#in("root.key"), "-out", this.root];
    run(["openssl", "req", "-x509", ...curve, "-days", "30", ...subject, ...out]);
    this.#sign("middle", "Lab Middle", "root", isAuthority);
    this.middle = this.#read("middle.pem");
  }

  /** A certificate for the names; with none it has a subject only. */
  issue(...names: readonly string[]): Issued {
    this.#count += 1;
    const file = `server${this.#count}`;
    const list = names.map((name) => `DNS:${name}`).join(",");
    const alternatives = names.length === 0 ? "" : `subjectAltName=${list}`;
    this.#sign(file, names[0] ?? "px.example.com", "middle", alternatives);
    const path = this.#in(`${file}.pem`);
    const said = run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"]);
    return {
      leaf: this.#read(`${file}.pem`),
      key: this.#read(`${file}.key`),
      fingerprint: said.trim().replace(/^.*=/, ""),
    };
  }

  #sign(file: string, name: string, by: string, extensions: string): void {
    const request = ["-keyout", this.#in(`${file}.key`), "-out", this.#in(`${file}.csr`)];
    run(["openssl", "req", "-new", ...curve, "-subj", `/CN=${name}`, ...request]);
    writeFileSync(this.#in("extensions"), `${extensions}\n`);
    const issuer = ["-CA", this.#in(`${by}.pem`), "-CAkey", this.#in(`${by}.key`)];
    const given = ["-in", this.#in(`${file}.csr`), "-extfile", this.#in("extensions")];
    const out = ["-out", this.#in(`${file}.pem`), "-days", "30", "-CAcreateserial"];
    run(["openssl", "x509", "-req", ...given, ...issuer, ...out]);
  }

  #in(name: string): string {
    return join(this.folder, name);
  }

  #read(name: string): string {
    return readFileSync(this.#in(name), "utf8");
  }
}
