// The API as the page uses it: same origin, reading only, with the token that
// was typed, if one is wanted. The token lives as long as the browser's tab.

import { remember, remembered } from "./memory.js";
import { EventReader, type StreamEvent } from "./stream.js";

/** The server wants a token, or another one; the message is what it says. */
export class TokenWanted extends Error {
  override readonly name = "TokenWanted";
}

const kept = "discd-token";
const patience = 10_000;
/** Longer than the 2 s between summaries, and with packets the 15 s between comments. */
const silenceMax = 20_000;

export class Api {
  #token = remembered("sessionStorage", kept);

  set token(token: string) {
    this.#token = token;
    remember("sessionStorage", kept, token);
  }

  /**
   * @param more other statuses that come with an answer
   * @throws TokenWanted, or an Error that says what came instead
   */
  async json<T>(path: string, more: readonly number[] = []): Promise<T> {
    return (await this.#ask(path, AbortSignal.timeout(patience), more)).json();
  }

  async text(path: string): Promise<string> {
    return (await this.#ask(path, AbortSignal.timeout(patience))).text();
  }

  /**
   * Follows a stream of events until it ends, or is silent for too long.
   *
   * @throws TokenWanted, or an Error
   */
  async follow(
    path: string,
    opened: () => void,
    take: (event: StreamEvent) => void,
    until?: AbortSignal,
  ) {
    const stop = new AbortController();
    until?.addEventListener("abort", () => stop.abort());
    if (until?.aborted === true) return;
    let timer = setTimeout(() => stop.abort(), silenceMax);
    try {
      const { body } = await this.#ask(path, stop.signal);
      if (body === null) return;
      opened();
      const reader = new EventReader();
      const decoder = new TextDecoder();
      const chunks = body.getReader();
      for (;;) {
        const { done, value } = await chunks.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(), silenceMax);
        for (const event of reader.read(decoder.decode(value, { stream: true }))) take(event);
      }
    } finally {
      clearTimeout(timer);
      stop.abort();
    }
  }

  async #ask(path: string, signal: AbortSignal, more: readonly number[] = []) {
    const headers: Record<string, string> =
      this.#token === "" ? {} : { Authorization: `Bearer ${this.#token}` };
    const response = await fetch(path, { headers, signal, cache: "no-store" });
    if (response.status === 401 || response.status === 403) {
      const said = await response.json().catch(() => ({}));
      throw new TokenWanted([said.error, said.remedy].filter(Boolean).join(": "));
    }
    const isGood = response.ok || more.includes(response.status);
    if (!isGood) {
      const said = await response.json().catch(() => ({}));
      throw new Error(said.error ?? `${path}: status ${response.status}`);
    }
    return response;
  }
}
