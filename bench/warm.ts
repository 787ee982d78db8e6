// Warm UDP answers of 8 PTR records against a bare node:dgram echo of the same
// size. What is compared is the server's CPU time per answer: the load is a
// Node program too, and would hide the difference if answers a second were.

import { median, type Row } from "./row.js";
import { cpuMicroseconds, type Part, Stage, server, zone } from "./stage.js";

const rounds = 5;
const seconds = 3;
const services = 8;
const question = `_ipp._tcp.${zone}`;

interface Round {
  readonly microseconds: number;
  readonly perSecond: number;
  readonly bytes: number;
}

async function round(stage: Stage, pid: number, port: number): Promise<Round> {
  const before = cpuMicroseconds(pid);
  const load = await stage.role("cli", "load", server, port, question, seconds);
  const { answered, bytes } = await load.next<{ answered: number; bytes: number }>();
  const spent = cpuMicroseconds(pid) - before;
  return { microseconds: spent / answered, perSecond: answered / seconds, bytes };
}

async function announce(device: Part): Promise<void> {
  await device.next();
  await device.do(`answer 20 0 ${services} _ipp._tcp`);
}

export async function warmAnswers(): Promise<Row[]> {
  const stage = new Stage();
  try {
    await announce(await stage.role("dev1", "device", "10.1.0.3"));
    const discd = await stage.discd("warm = { '_ipp._tcp' }\n");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const first = await round(stage, discd.pid, 53);
    const echo = await stage.role("px", "echo", server, 5300, first.bytes);
    await echo.next();
    await round(stage, echo.child.pid, 5300);
    const pairs: [Round, Round][] = [];
    for (let count = 0; count < rounds; count++) {
      pairs.push([await round(stage, echo.child.pid, 5300), await round(stage, discd.pid, 53)]);
    }
    const ratio = median(pairs.map(([bare, ours]) => bare.microseconds / ours.microseconds));
    const show = (pick: (pair: [Round, Round]) => number) => median(pairs.map(pick)).toFixed(2);
    return [
      {
        what: `warm answers, ${services} PTR, ${first.bytes} bytes: echo CPU ÷ discd CPU`,
        value: `${ratio.toFixed(2)} (echo ${show(([bare]) => bare.microseconds)} µs, discd ${show(([, ours]) => ours.microseconds)} µs)`,
        promise: "at least 0.90",
        isKept: ratio >= 0.9,
      },
      {
        what: "warm answers a second with one client program",
        value: `discd ${Math.round(median(pairs.map(([, ours]) => ours.perSecond)))}, echo ${Math.round(median(pairs.map(([bare]) => bare.perSecond)))}`,
        promise: "for the record",
        isKept: true,
      },
    ];
  } finally {
    await stage.end();
  }
}
