// `show packets`: multicast DNS as it is heard and sent, decoded, until Ctrl-C.
// Nothing of it is kept anywhere.

import type { PacketView } from "../api/shapes.js";
import { FormatError } from "../wire/errors.js";
import { parseName } from "../wire/name.js";
import { parseRR } from "../wire/text.js";
import { Api } from "./api.js";
import { ExitStatus, type Request, type Style } from "./command.js";
import { readFilters } from "./filters.js";
import { harmless } from "./harmless.js";
import { untilInterrupted } from "./interrupt.js";
import { shown } from "./names.js";
import type { apiOptions } from "./options.js";
import { packetFilters } from "./packet-filters.js";
import { asJson, recordText } from "./render.js";

/** @throws Failure when the stream ends or breaks off */
export async function showPackets(request: Request<typeof apiOptions>): Promise<ExitStatus> {
  const { words, style, output } = request;
  const wanted = readFilters(words.slice(1), "packets", packetFilters);
  const api = new Api(request);
  const query = {
    link: wanted.get("if") ?? wanted.get("link"),
    name: wanted.get("name"),
    type: wanted.get("type")?.toUpperCase(),
  };
  const [direction, source] = [wanted.get("direction"), wanted.get("source")];
  for await (const { name, value } of api.follow("/v1/packets", query, untilInterrupted())) {
    if (name !== "packet") continue;
    const packet = value as PacketView;
    if (direction !== undefined && packet.direction !== direction) continue;
    if (source !== undefined && !packet.source.includes(source)) continue;
    output.print(style.json ? asJson(packet, 0) : packetText(packet, style));
  }
  return ExitStatus.done;
}

/** One packet: a line of what it is, then a line for each question and record. */
export function packetText(packet: PacketView, style: Style): string {
  const { at, link, direction, source, isResponse, isWhole, questions } = packet;
  const kind = isResponse ? "response" : "query";
  const head = [at, link, direction, source, kind, isWhole ? "" : "(cannot be read to its end)"];
  const sections = [
    ["answer", packet.answers],
    ["authority", packet.authorities],
    ["additional", packet.additionals],
  ] as const;
  const lines = [
    harmless(head.filter((one) => one !== "").join(" ")),
    ...questions.map((one) => {
      const name = style.escaped ? nameText(one.escaped, style) : one.name;
      return `  question    ${harmless(`${name}  ${one.type}${one.isQu ? "  QU" : ""}`)}`;
    }),
    ...sections.flatMap(([name, rrs]) =>
      rrs.map((text) => `  ${name.padEnd(10)}  ${lineOf(text, style)}`),
    ),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function nameText(escaped: string, style: Style): string {
  try {
    return shown(parseName(escaped), style);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return escaped;
  }
}

/** A record in this command line's words; as it came where it cannot be read. */
function lineOf(text: string, style: Style): string {
  const isFlush = text.endsWith(" ; cache-flush");
  try {
    const rr = parseRR(isFlush ? text.slice(0, text.lastIndexOf(" ;")) : text);
    return `${recordText(rr, style)}${isFlush ? "  cache-flush" : ""}`;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return harmless(text);
  }
}
