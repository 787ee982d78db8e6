// What a TLS server shows and proves itself with: a certificate, its private key
// and the names it speaks for. Where it comes from (a file, one made at the start)
// is of no concern to the listeners that use it.

export interface Credentials {
  /** PEM: the server's own certificate first, then the intermediates. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** The dNSNames of subjectAltName in text form; one may begin with the label `*`. */
  readonly names: readonly string[];
}
