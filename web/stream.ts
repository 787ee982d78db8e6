// Server-sent events out of a stream of text: lines gathered to events. The page
// reads the stream itself, because EventSource can send no token.

export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Characters of one event; more than this is not from discd. */
const eventMax = 8 << 20;

export class EventReader {
  /** Pieces of a line that has not ended; joined once, when it does. */
  #rest: string[] = [];
  #restLength = 0;
  #name = "";
  #data: string[] = [];

  /** Takes the next piece of text. @returns the events that it completes */
  read(text: string): StreamEvent[] {
    const isWithin = this.#rest.at(-1)?.endsWith("\r") !== true && !/[\r\n]/.test(text);
    this.#rest.push(text);
    this.#restLength += text.length;
    if (this.#restLength > eventMax && isWithin) throw new Error("an event without an end");
    if (isWithin) return [];
    // A carriage return at the end may be half of a line's end.
    const lines = this.#rest.join("").split(/\r\n|\n|\r(?=.)/s);
    const rest = lines.pop() ?? "";
    this.#rest = [rest];
    this.#restLength = rest.length;
    return lines.flatMap((line) => this.#take(line) ?? []);
  }

  #take(line: string): StreamEvent | undefined {
    if (line === "") {
      const event = { name: this.#name || "message", data: this.#data.join("\n") };
      const isEmpty = this.#data.length === 0;
      this.#name = "";
      this.#data = [];
      return isEmpty ? undefined : event;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }
}
