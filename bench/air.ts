// What 1,000 queries cost the link: one PTR and four SRV names, asked by ten
// clients, first with nothing known and then once more.

import { RRType } from "../src/wire/codes.js";
import type { Row } from "./row.js";
import { clients, Stage, server, zone } from "./stage.js";

const type = "_ipp._tcp";

export async function airTime(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    await device.do(`answer 30 0 8 ${type}`);
    await stage.discd();
    const asker = await stage.role("cli", "asker", server, 53, ...clients);
    await asker.next();
    const names: [string, number][] = [[`${type}.${zone}`, RRType.PTR]];
    for (let index = 0; index < 4; index++) {
      names.push([`Printer\\032${index}.${type}.${zone}`, RRType.SRV]);
    }
    const questions = Array.from({ length: 1000 }, (_, index) => {
      const [name, rrType] = names[index % names.length] as [string, number];
      return [Math.floor(index / 5) % clients.length, name, rrType];
    });
    const counted: number[] = [];
    let answered = 0;
    for (let pass = 0; pass < 2; pass++) {
      const before = await device.do<{ queries: number }>("count");
      const { replies } = await asker.do<{ replies: { answers: number }[] }>(
        JSON.stringify(questions),
      );
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const end = await device.do<{ queries: number }>("count");
      counted.push(end.queries - before.queries);
      answered += replies.filter((reply) => reply.answers > 0).length;
    }
    return [
      {
        what: "1,000 queries, ten clients, cold: mDNS packets (IPv4 link)",
        value: `${counted[0]}, ${answered} of 2,000 queries answered`,
        promise: "at most 6",
        isKept: (counted[0] ?? 99) <= 6 && answered === 2000,
      },
      {
        what: "the same 1,000 queries, warm: mDNS packets",
        value: `${counted[1]}`,
        promise: "none",
        isKept: counted[1] === 0,
      },
    ];
  } finally {
    await stage.end();
  }
}
