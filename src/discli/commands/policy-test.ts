// `policy test NAME [TYPE]`: which rule decides what a client is answered.

import { networkInterfaces } from "node:os";
import { Api } from "../api.js";
import { renderFacts } from "../columns.js";
import { ExitStatus, type Request } from "../command.js";
import type { policyTestOptions } from "../options.js";
import { asJson } from "../render.js";

/** Not the words of the API: what they come to for whoever asks. */
const meanings: Readonly<Record<string, string>> = {
  link: "the link is asked",
  local: "discd answers by itself",
  negative: "there is nothing (NODATA)",
  refused: "REFUSED",
  dropped: "not answered",
  nxdomain: "NXDOMAIN",
};

/** What gets an answer. */
const answered = new Set(["link", "local"]);

export async function run(request: Request<typeof policyTestOptions>): Promise<ExitStatus> {
  const { words, options, output, style } = request;
  const [name, type = "PTR"] = words;
  const client = options.client ?? ownAddress();
  const api = new Api(request);
  const query = { name, type: type.toUpperCase(), client };
  const body = await output.waiting(`asking ${api.place.text}`, api.get("/v1/policy", query));
  if (style.json) output.print(asJson(body));
  else {
    const facts = [
      ["question", `${body.name} ${body.type}`],
      ["client", body.client],
      ["zone", body.zone],
      ["interface", body.link],
      ["answer", meanings[body.verdict] ?? body.verdict],
      ["rule", body.rule],
    ] as const;
    output.print(renderFacts(facts, output));
  }
  return answered.has(body.verdict) ? ExitStatus.done : ExitStatus.nothing;
}

/** The first address of this host that is not loopback: it is a client, too. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  return all.find(({ internal }) => !internal)?.address ?? "127.0.0.1";
}
