// `refresh`: what discd has learned from the DNS, and what it asks on its links,
// is asked anew.

import { Api } from "../api.js";
import { ExitStatus, type Request } from "../command.js";
import { harmless } from "../harmless.js";
import type { apiOptions } from "../options.js";
import { asJson } from "../render.js";

export async function run(request: Request<typeof apiOptions>): Promise<ExitStatus> {
  const { output, style } = request;
  const api = new Api(request);
  const reply = await output.waiting(`asking ${api.place.text}`, api.ask("POST", "/v1/refresh"));
  if (reply.status !== 200 && reply.status !== 202) throw api.refusal(reply);
  const body = api.read("/v1/refresh", reply);
  output.print(style.json ? asJson(body) : `${harmless(body.done)}\n`);
  return ExitStatus.done;
}
