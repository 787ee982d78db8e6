// A cold browse: two devices answer, one late; the reply has both, `gather` and
// at most 150 ms after the first device's answer.

import { RRType } from "../src/wire/codes.js";
import { median, type Row } from "./row.js";
import { Stage, server, zone } from "./stage.js";

const rounds = 8;
/** When the devices answer after the question on the link. */
const delays = [60, 140] as const;
const gather = 200;
/** The question leaves 20 to 120 ms after the client's query (RFC 6762 §5.2). */
const questionDelayMax = 120;

export async function coldBrowse(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const devices = [
      await stage.role("dev1", "device", "10.1.0.3"),
      await stage.role("dev2", "device", "10.1.0.4"),
    ];
    for (const device of devices) await device.next();
    for (let count = 0; count < rounds; count++) {
      await devices[0]?.do(`answer ${delays[0]} ${count * 10} 5 _t${count}._tcp`);
      await devices[1]?.do(`answer ${delays[1]} ${count * 10 + 5} 5 _t${count}._tcp`);
    }
    await stage.discd();
    const asker = await stage.role("cli", "asker", server, 53, "10.8.0.2");
    await asker.next();
    const times: number[] = [];
    let isComplete = true;
    for (let count = 0; count < rounds; count++) {
      const questions = JSON.stringify([[0, `_t${count}._tcp.${zone}`, RRType.PTR]]);
      const { replies } = await asker.do<{ replies: { ms: number; answers: number }[] }>(questions);
      times.push(replies[0]?.ms ?? Number.NaN);
      isComplete &&= replies[0]?.answers === 10;
    }
    const bound = questionDelayMax + delays[0] + gather + 150;
    const worst = Math.max(...times);
    return [
      {
        what: "cold browse, devices answer after 60 and 140 ms",
        value: `median ${median(times).toFixed(0)} ms, worst ${worst.toFixed(0)} ms, ${isComplete ? "all complete" : "INCOMPLETE"}`,
        promise: `complete within ${bound} ms: question 120 + answer 60 + gather 200 + 150`,
        isKept: isComplete && worst <= bound,
      },
    ];
  } finally {
    await stage.end();
  }
}
