// DNS over TLS as other people's programs see it (RFC 7858, 8310, 9325): kdig and
// openssl's s_client at the port, and bytes of our own where they are too polite.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect } from "vitest";
import { Child, until } from "./children.js";
import { needs } from "./needs.js";
import { message, opt, type Rec, rec } from "./packet.js";
import { E, ednsOption, hex } from "./session-bytes.js";
import { sessionStage, Z } from "./session-stage.js";
import { unpack } from "./unpack.js";

const it = needs("openssl", "tcpdump");
const withKdig = needs("kdig", "tcpdump");
const s = sessionStage();
const folder = mkdtempSync(join(tmpdir(), "discd-dot-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What s_client says; `input` is a shell command that writes its standard input. */
async function sClient(words: string, input = "true"): Promise<string> {
  const script = `${input} | openssl s_client -connect ${s.lab.server}:853 ${words} 2>&1`;
  const child = new Child([...s.lab.enter("cli"), "sh", "-c", script]);
  await until(`s_client ${words} ends`, () => child.exit !== undefined, 20_000, 20);
  await child.ended;
  return child.stdoutLines.join("\n");
}

const soa = (id: number, more: Rec[] = []) =>
  message({ id, questions: [{ name: Z, type: "SOA" }], additionals: more });

it.concurrent("[TLS-01] [TLS-03] TLS 1.3 by choice, 1.2 at need, nothing older, no compression", async () => {
  const chosen = await sClient("");
  expect(chosen).toMatch(/New, TLSv1\.3, Cipher is TLS_/);
  expect(chosen).toMatch(/Compression: NONE/);
  expect(await sClient("-tls1_3")).toMatch(/New, TLSv1\.3/);
  const older = await sClient("-tls1_2");
  expect(older).toMatch(/New, TLSv1\.2/);
  expect(older).toMatch(/Compression: NONE/);
  const refused = await sClient("-tls1_1 -cipher DEFAULT@SECLEVEL=0");
  expect(refused).toMatch(/alert protocol version/);
  expect(refused).toMatch(/Cipher is \(NONE\)/);
});

it.concurrent("[TLS-04] ALPN: dot is chosen, none is fine, another is refused", async () => {
  expect(await sClient("-alpn dot")).toMatch(/^ALPN protocol: dot$/m);
  expect(await sClient("-alpn h2,dot")).toMatch(/^ALPN protocol: dot$/m);
  expect(await sClient("")).toMatch(/New, TLSv1\.3[\s\S]*No ALPN negotiated/);
  expect(await sClient("-alpn h2")).toMatch(/no application protocol/);
});

it.concurrent("[TLS-07] no server name, the host's and the zone's are fine, another is refused", async () => {
  for (const words of ["-noservername", "-servername px.example.com", `-servername ${Z}`]) {
    expect([words, await sClient(words)]).toEqual([words, expect.stringMatching(/New, TLSv1\.3/)]);
  }
  expect(await sClient("-servername nobody.invalid")).toMatch(/unrecognized name/);
});

it.concurrent("[TLS-09] [TLS-11] sessions resume by ticket, early data is not taken", async () => {
  const ticket = join(folder, "ticket.pem");
  const early = join(folder, "early");
  writeFileSync(early, E("E67"));
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const first = await sClient(`${version} -sess_out ${ticket}`, "sleep 1");
    expect(first).toMatch(/New, TLSv1/);
    const again = await sClient(`${version} -sess_in ${ticket}`, "sleep 0.3");
    expect([version, again]).toEqual([version, expect.stringMatching(/Reused, TLSv1/)]);
  }
  const sent = await sClient(`-tls1_3 -sess_in ${ticket} -early_data ${early}`, "sleep 0.5");
  expect(sent).toMatch(/Early data was (not sent|rejected)/);
});

it.concurrent("[TLS-12] an idle connection is closed by close_notify", async () => {
  const begin = Date.now();
  const end = await sClient("-alpn dot", "sleep 14");
  expect(end).toMatch(/^closed$/m);
  expect(end).not.toMatch(/unexpected eof/);
  expect(Date.now() - begin).toBeGreaterThan(9000);
});

it.concurrent("[TLS-02] cleartext at the TLS port gets no DNS, nor does a broken handshake", async () => {
  const agent = await s.lab.agent("cli");
  const hello = hex("16030100 0a 0100000603030000 0000");
  for (const bytes of [
    E("E67"),
    E("E01"),
    Buffer.concat([hello, E("E67")]),
    hex("1503010002022a"),
  ]) {
    const socket = await agent.tcp(s.lab.server, 853);
    socket.write(bytes);
    await until("it is over", () => socket.overAt, 8000);
    const came = Buffer.concat(socket.arrivals.map((arrival) => arrival.bytes));
    // Nothing, or a TLS alert.
    expect([came.length === 0, came[0]]).toEqual(
      came.length === 0 ? [true, undefined] : [false, 0x15],
    );
    expect(came.length).toBeLessThan(12);
  }
});

it.concurrent("[EDNS-11] padding to 468 where it is asked for under TLS, and only there", async () => {
  const peer = await s.peer();
  expect(
    hex(
      await peer.exchange(
        hex(
          "0080 0e04 0000 0001 0000 0000 0001 | 036c6162076578616d706c6503636f6d000006000100002904d0000000000054000c0050" +
            "00".repeat(80),
        ),
      ),
    ).length - 2,
  ).toBe(468);
  const padded = unpack(peer.messages[0]!.bytes);
  expect(padded.answers).toHaveLength(1);
  expect(ednsOption(padded, 12)).toBeDefined();
  const ask: Rec = { ...opt(1232), rdata: hex("000c0000") };
  peer.send(soa(2, [ask]), soa(3));
  expect((await peer.reply(2)).bytes.length % 468).toBe(0);
  expect((await peer.reply(3)).opt).toBeUndefined();
  const clear = await s.peer({ isClear: true });
  clear.send(soa(4, [ask]));
  expect(ednsOption(await clear.reply(4), 12)).toBeUndefined();
  const udp = await s.client.exchange(soa(5, [ask]));
  expect(ednsOption(udp, 12)).toBeUndefined();
  // What the client takes is less than a block.
  peer.send(soa(6, [{ ...ask, class: 300 }]));
  const reply = await peer.reply(6);
  expect(reply.answers).toHaveLength(1);
});

it.concurrent("[TCP-04] [TCP-05] [TCP-06] pipelined over TLS: all answered, each when it is ready", async () => {
  const peer = await s.peer();
  const slow = message({ id: 0x7777, questions: [{ name: `_nobody._tcp.${Z}`, type: "PTR" }] });
  const ids = Array.from({ length: 50 }, (_, i) => 0x0100 + i);
  const begin = Date.now();
  peer.send(slow, ...ids.map((id) => soa(id)));
  await until("the quick ones", () => peer.messages.length >= 50);
  expect(peer.messages.map(({ bytes }) => bytes.readUInt16BE(0)).sort()).toEqual(ids);
  await peer.reply(0x7777);
  expect(Date.now() - begin).toBeGreaterThan(5500);
  // Answers may share a record, but none begins in one and ends in another.
  for (const { bytes } of peer.socket.arrivals) {
    let at = 0;
    while (at < bytes.length) at += 2 + bytes.readUInt16BE(at);
    expect(at).toBe(bytes.length);
  }
});

it.concurrent("[TCP-09] a client that half-closes is answered, one that is gone harms nobody", async () => {
  const [half, gone] = await Promise.all([s.peer(), s.peer()]);
  const slow = message({ id: 5, questions: [{ name: `_half._tcp.${Z}`, type: "PTR" }] });
  for (const peer of [half, gone]) peer.send(slow);
  half.socket.finish();
  await sleep(200);
  gone.socket.reset();
  expect((await half.reply(5)).answers).toEqual([]);
  expect((await half.over()).how).toBe("end");
  expect((await s.client.exchange(soa(6))).answers).toHaveLength(1);
});

withKdig.concurrent(
  "[TLS-01] kdig asks over TLS, and several times on one connection",
  async () => {
    s.dev1.answers("_kdig._tcp.local", "PTR", [
      rec("_kdig._tcp.local", "PTR", 4500, "A._kdig._tcp.local"),
    ]);
    const dug = await s.lab.kdig("+tls", "PTR", `_kdig._tcp.${Z}`);
    expect(dug.text).toMatch(/TLS session \(TLS1\.3\)/);
    expect(dug.answer.map((line) => line.data)).toEqual([`A._kdig._tcp.${Z}.`]);
    const each = ["-q", Z, "-t", "SOA", "-q", `_kdig._tcp.${Z}`, "-t", "PTR"];
    const two = await s.lab.kdig("+tls", "+keepopen", "+padding", ...each);
    expect(two.answer.map((line) => line.type)).toEqual(["SOA", "PTR"]);
  },
);
