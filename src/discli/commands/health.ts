// `health [ZONE]`: 0 or 2, for BIRD, keepalived and whoever else withdraws a route.

import { Api } from "../api.js";
import { ExitStatus, type Request } from "../command.js";
import { harmless } from "../harmless.js";
import type { apiOptions } from "../options.js";
import { asJson } from "../render.js";

export async function run(request: Request<typeof apiOptions>): Promise<ExitStatus> {
  const { words, output, style } = request;
  const [zone] = words;
  const api = new Api(request);
  const asked = api.ask("GET", "/healthz", { zone });
  const reply = await output.waiting(`asking ${api.place.text}`, asked);
  // Only these two are judgements; 404 is that of a zone which is not served here.
  if (![200, 503].includes(reply.status)) throw api.refusal(reply);
  const health = api.read("/healthz", reply);
  const isGood = health.ok && reply.status === 200;
  if (style.json) output.print(asJson(health));
  else if (isGood) output.print(`ok${zone === undefined ? "" : `: ${harmless(zone)}`}\n`);
  else for (const reason of health.reasons) output.print(`${harmless(reason)}\n`);
  if (!style.json) for (const one of health.warnings) output.complain(harmless(one));
  return isGood ? ExitStatus.done : ExitStatus.failed;
}
