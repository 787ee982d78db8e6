// `reload`: discd reads its configuration again, and says what came of it.

import { Api } from "../api.js";
import { ExitStatus, type Request } from "../command.js";
import { harmless } from "../harmless.js";
import type { apiOptions } from "../options.js";
import { asJson } from "../render.js";

/** The most that is shown of what is wrong with a configuration. */
const problemsMax = 1000;

export async function run(request: Request<typeof apiOptions>): Promise<ExitStatus> {
  const { output, style } = request;
  const api = new Api(request);
  const asked = api.ask("POST", "/v1/reload");
  const reply = await output.waiting(`${api.place.text} reads its configuration`, asked);
  const problems = reply.status === 422 ? problemsOf(reply.text) : [];
  if (problems.length > 0) {
    if (style.json) output.print(asJson({ isTaken: false, problems }));
    else for (const line of problems) output.print(`${line}\n`);
    output.complain("nothing was changed: the configuration before is still in force");
    return ExitStatus.failed;
  }
  if (reply.status !== 200) throw api.refusal(reply);
  const { done, file, warnings } = api.read("/v1/reload", reply);
  if (style.json) output.print(asJson({ isTaken: true, done, file, warnings }));
  else {
    output.print(`${harmless(file === null ? done : `${file}: ${done}`)}\n`);
    for (const line of warnings.slice(0, problemsMax)) output.print(`${harmless(line)}\n`);
  }
  return warnings.length > 0 ? ExitStatus.nothing : ExitStatus.done;
}

/** `FILE:LINE: text`, several of them. */
function problemsOf(text: string): string[] {
  try {
    const found: unknown = (JSON.parse(text) as Record<string, unknown>).problems;
    if (!Array.isArray(found)) return [];
    const lines = found.filter((one) => typeof one === "string").slice(0, problemsMax);
    return lines.map(harmless);
  } catch {
    return [];
  }
}
