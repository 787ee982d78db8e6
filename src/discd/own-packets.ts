// Packets of our own that come back: a multicast socket hears what its own host sends.
// Who follows packets is shown each of them once, as it leaves.

/** What is on its way back to us is so for less than this, in milliseconds. */
const echoPatience = 1_000;

/** Packets of one link and family that are remembered; a link sends 20 a second. */
const rememberedMax = 64;

interface Sent {
  readonly bytes: Uint8Array;
  readonly at: number;
}

export class OwnPackets {
  readonly #sent = new Map<string, Sent[]>();

  /** @param now  milliseconds */
  sent(link: string, family: string, bytes: Uint8Array, now: number): void {
    const key = `${link} ${family}`;
    const before = this.#sent.get(key) ?? [];
    const recent = before.filter(({ at }) => now - at < echoPatience).slice(1 - rememberedMax);
    this.#sent.set(key, [...recent, { bytes, at: now }]);
  }

  /** Whether a packet that was heard is one of ours; each is known again once. */
  take(link: string, family: string, bytes: Uint8Array, now: number): boolean {
    const sent = this.#sent.get(`${link} ${family}`) ?? [];
    const found = sent.findIndex(
      (one) => now - one.at < echoPatience && Buffer.compare(one.bytes, bytes) === 0,
    );
    if (found >= 0) sent.splice(found, 1);
    return found >= 0;
  }
}
