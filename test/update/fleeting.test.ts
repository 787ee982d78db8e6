// Devices that come and go under ever new names while their primary is away: what
// is remembered of them stays bounded, and the zone is right afterwards.

import { describe, expect, test } from "vitest";
import { gone, linesOf, printer, ZoneStage } from "./zone-stage.js";

const laser = printer("Laser");
const inkjet = printer("Inkjet", { address: "192.0.2.6" });

function ready() {
  const stage = new ZoneStage();
  const proxy = stage.proxy().start();
  stage.at(10);
  return { stage, proxy, primary: stage.primary };
}

describe("a primary", () => {
  test("that is dead: nothing is kept of names that came and went meanwhile [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    proxy.isCut = true;
    proxy.offer(gone(laser), inkjet);
    for (let round = 0; round < 40; round++) {
      const fleeting = Array.from({ length: 100 }, (_, index) =>
        printer(`R${round}x${index}`, index % 2 === 0 ? {} : { host: "laser" }),
      );
      proxy.offer(...fleeting);
      stage.at(20 + round * 5);
      proxy.offer(...fleeting.map(gone));
    }
    // 4,000 came and went: a look is taken after every thousand.
    expect(proxy.publisher.state().waiting).toBeLessThanOrEqual(1100);
    proxy.isCut = false;
    stage.at(1300);
    expect(primary.published()).toEqual(linesOf(inkjet));
    expect(proxy.publisher.state().waiting).toBe(0);
    expect(primary.updates().length).toBeLessThanOrEqual(3);
  });

  test("that dies with a message on its way: what was withdrawn meanwhile goes [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    primary.script = (_, kind) => (kind === "update" ? "close" : undefined);
    stage.at(10.31);
    expect(primary.published()).toEqual(linesOf(laser));
    proxy.isCut = true;
    proxy.offer(gone(laser));
    for (let round = 0; round < 15; round++) {
      const fleeting = Array.from({ length: 100 }, (_, index) => printer(`R${round}x${index}`));
      proxy.offer(...fleeting);
      stage.at(20 + round * 5);
      proxy.offer(...fleeting.map(gone));
    }
    proxy.isCut = false;
    primary.script = () => undefined;
    stage.at(1300);
    expect(primary.published(true)).toEqual([]);
  });
});
