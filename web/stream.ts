// Server-sent events out of a stream of text: lines gathered to events. The page
// reads the stream itself, because EventSource can send no token.

export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Characters of one event; more than this is not from discd. */
const eventMax = 8 << 20;

export class EventReader {
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** Takes the next piece of text. @returns the events that it completes */
  read(text: string): StreamEvent[] {
    this.#rest += text;
    // A carriage return at the end may be half of a line's end.
    const lines = this.#rest.split(/\r\n|\n|\r(?=.)/s);
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > eventMax) throw new Error("an event without an end");
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
