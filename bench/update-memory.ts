// What a publisher keeps in memory of what it has published: the live heap with
// 2,000 services in a zone, less that with none. The primary is the tests' own, in
// the same process and in virtual time; what it holds itself is let go before.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Primary } from "../test/update/primary.js";
import { printer, ZoneStage, zone } from "../test/update/zone-stage.js";
import type { Row } from "./row.js";

const count = 2000;

function liveBytes(collect: () => void): number {
  // Twice: what the first leaves to finalizers.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export function updateMemory(): Row[] {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const stage = new ZoneStage();
  const proxy = stage.proxy().start();
  stage.at(10);
  // Offers are the inventory's, and kept by it as well.
  const offers = Array.from({ length: count }, (_, index) => {
    const address = `192.0.${index >> 8}.${index & 255}`;
    return printer(`Printer${index}`, { address });
  });
  const before = liveBytes(collect);
  proxy.offer(...offers);
  stage.at(60);
  const records = stage.primary.lines(true).length;
  if (!proxy.publisher.isSettled) throw new Error("the zone is not filled");
  stage.primary = new Primary(zone);
  const each = (liveBytes(collect) - before) / records / 1024;
  return [
    {
      what: `live memory of a publisher for each of ${records} records`,
      value: `${each.toFixed(2)} KB (TIMEOUTs are records too; the offers are not counted)`,
      promise: "at most 1 KB",
      isKept: offers.length === count && each <= 1,
    },
  ];
}
