// Readers of server-sent events. Each has a queue with an end: who does not read
// is dropped and counted, and the others never wait for it.

import type { ServerResponse } from "node:http";
import { frame, heartbeat } from "../api/events.js";
import type { ApiEvent, Following } from "../api/exchange.js";
import type { Counts } from "../counts.js";
import {
  followerQueueMax,
  followersMax,
  followersReserved,
  heartbeatEvery,
} from "./http-limits.js";

interface Follower {
  readonly response: ServerResponse;
  readonly following: Following;
  /** Bytes were waiting at the last heartbeat already. */
  isLate: boolean;
}

export class HttpFollowers {
  readonly #counts: Counts;
  readonly #followers = new Set<Follower>();
  #beat: NodeJS.Timeout | undefined;

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  get size(): number {
    return this.#followers.size;
  }

  /** Whether there is room for one more; for the operator there is longest. */
  hasRoomFor(mayWrite: boolean): boolean {
    return this.#followers.size < (mayWrite ? followersMax : followersMax - followersReserved);
  }

  /** Whether anybody follows a feed: what nobody reads need not be made. */
  has(feed: Following["feed"]): boolean {
    for (const { following } of this.#followers) if (following.feed === feed) return true;
    return false;
  }

  add(response: ServerResponse, following: Following, first: string): void {
    const follower = { response, following, isLate: false };
    this.#followers.add(follower);
    response.once("close", () => this.#forget(follower));
    // Headers leave at once: a reader waits for them.
    response.write(first === "" ? heartbeat : first);
    this.#beat ??= setInterval(() => this.#heartbeat(), heartbeatEvery).unref();
  }

  publish(event: ApiEvent): void {
    let bytes: Buffer | undefined;
    for (const follower of this.#followers) {
      if (!follower.following.accepts(event)) continue;
      bytes ??= Buffer.from(frame(event));
      this.#write(follower, bytes);
    }
  }

  closeAll(): void {
    for (const { response } of [...this.#followers]) response.end();
  }

  #write(follower: Follower, bytes: Buffer): void {
    const { response } = follower;
    if (response.writableLength + bytes.length > followerQueueMax) this.#drop(follower);
    else response.write(bytes);
  }

  #heartbeat(): void {
    const bytes = Buffer.from(heartbeat);
    for (const follower of [...this.#followers]) {
      const isLate = follower.response.writableLength > 0;
      // Nothing was read since the last one, or next to nothing.
      if (isLate && follower.isLate) this.#drop(follower);
      else this.#write(follower, bytes);
      follower.isLate = isLate;
    }
  }

  #drop(follower: Follower): void {
    this.#counts.add("drops", "http-slow-reader");
    this.#forget(follower);
    follower.response.destroy();
  }

  #forget(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    clearInterval(this.#beat);
    this.#beat = undefined;
  }
}
