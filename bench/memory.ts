// Resident memory with 20 services on a link, and what each further one costs.

import { RRType } from "../src/wire/codes.js";
import type { Row } from "./row.js";
import { residentBytes, Stage, server, zone } from "./stage.js";

const few = 20;
const many = 10_000;
const type = "_ipp._tcp";

export async function memory(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    await device.do(`answer 10 0 ${few} ${type}`);
    // What the API keeps besides is measured in scrape.ts.
    const discd = await stage.discd("http = false\n");
    const asker = await stage.role("cli", "asker", server, 53, "10.8.0.2");
    await asker.next();
    const browse = JSON.stringify([[0, `${type}.${zone}`, RRType.PTR]]);
    await asker.do(browse);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const small = residentBytes(discd.pid);
    // Announced in slices while the type counts as recently asked, as after a power cut.
    const slice = 500;
    for (let first = few; first < many; first += slice) {
      await device.do(`flood ${first} ${Math.min(slice, many - first)} ${type}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const large = residentBytes(discd.pid);
    const last = `Printer\\032${many - 1}.${type}.${zone}`;
    const { replies } = await asker.do<{ replies: { ms: number; answers: number }[] }>(
      JSON.stringify([[0, last, RRType.SRV]]),
    );
    const isHeld = (replies[0]?.answers ?? 0) > 0 && (replies[0]?.ms ?? 9999) < 1000;
    const each = (large - small) / (many - few) / 1024;
    return [
      {
        what: `resident memory with ${few} services`,
        value: `${(small / 2 ** 20).toFixed(1)} MB`,
        promise: "at most 100 MB",
        isKept: small <= 100 * 2 ** 20,
      },
      {
        what: `each further service, up to ${many}`,
        value: `${each.toFixed(2)} KB, ${(large / 2 ** 20).toFixed(1)} MB in all${isHeld ? "" : ", the last one NOT HELD"}`,
        promise: "at most 2 KB",
        isKept: each <= 2 && isHeld,
      },
    ];
  } finally {
    await stage.end();
  }
}
