// The one error of this folder: bytes or text that are not DNS. It is the
// peer's fault (or the typist's), and is caught once per protocol.

/** Bytes that cannot be decoded, or a value that has no encoding. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  /** Byte offset in the message, or character offset in a text; -1 where there is none. */
  readonly offset: number;
  /** What was being read: "name", "SRV rdata", "header" … */
  readonly where: string;

  constructor(text: string, where: string, offset = -1) {
    super(offset < 0 ? `${where}: ${text}` : `${where}: ${text} (at byte ${offset})`);
    this.offset = offset;
    this.where = where;
  }
}
