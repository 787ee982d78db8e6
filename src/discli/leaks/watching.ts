// Watches every interface for packets with the word of a run, and has the system
// look up the names. Nothing is believed of what the system answers: what counts
// is where its questions went.

import { spawn } from "node:child_process";
import type { PresentInterface } from "../../os/interfaces.js";
import { loadNative, SystemError } from "../../os/native.js";
import { PacketEar, type PassedPacket } from "../../os/packets.js";
import { formatName } from "../../wire/name.js";
import { ExitStatus, Failure } from "../command.js";
import type { AskedName } from "./labels.js";
import { Sightings } from "./sightings.js";
import type { Sighting } from "./verdict.js";

/** How often what has passed is looked at: the kernel's buffer holds more than that. */
const pace = 20;

/** Questions that others ask because of ours may still be on their way. */
const settling = 500;

export interface Watched {
  readonly sightings: readonly Sighting[];
  readonly packets: readonly PassedPacket[];
  readonly lost: number;
}

/**
 * Has the system look up the names, and watches meanwhile.
 *
 * @param patience  milliseconds in which the system has to be through
 * @param again  the command line that is to be run with the right
 * @throws Failure without the right to hear packets, or the program that looks names up
 */
export async function watchLookups(
  names: readonly AskedName[],
  word: string,
  interfaces: readonly PresentInterface[],
  patience: number,
  again: string,
): Promise<Watched> {
  const ear = await openEar(again);
  const seen = new Sightings(word, interfaces);
  const heard = (passed: PassedPacket) => seen.heard(passed);
  const timer = setInterval(() => ear.take(heard), pace);
  try {
    await Promise.all(names.map((one) => lookUp(formatName(one.name), patience)));
    await new Promise((resolve) => setTimeout(resolve, settling));
    while (ear.take(heard)) await new Promise((resolve) => setImmediate(resolve));
    return { sightings: seen.all, packets: seen.packets, lost: ear.lost() + seen.passedOver };
  } finally {
    clearInterval(timer);
    ear.close();
  }
}

async function openEar(again: string): Promise<PacketEar> {
  const native = await loadNative();
  const calls = "reason" in native ? undefined : native.packets;
  if (calls === undefined) {
    const reason = "reason" in native ? native.reason : "unknown to discli";
    const remedy = `watch with tcpdump -ni any port 53 while the system asks`;
    throw new Failure(`packets cannot be heard on this system: ${reason}; ${remedy}`, untested);
  }
  try {
    return new PacketEar(calls);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const cause =
      error.code === "EPERM" || error.code === "EACCES"
        ? "watching interfaces takes the right CAP_NET_RAW"
        : error.message;
    throw new Failure(`${cause}; run: sudo ${again}`, untested);
  }
}

const untested = ExitStatus.untested;

/**
 * Has the C library look up a name as it does for every program (getaddrinfo): by the order of
 * nsswitch.conf, with whatever resolver the system has. In a process of its own, because a
 * lookup cannot be given up otherwise.
 */
function lookUp(name: string, patience: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("getent", ["ahosts", name], { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), patience);
    child.once("error", ({ message }) => {
      clearTimeout(timer);
      const remedy = "it looks names up as programs do; in Debian it is in libc-bin";
      reject(new Failure(`getent cannot be run (${message}): ${remedy}`, untested));
    });
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
