// `tsig-policy`: what the servers of the published zones have to be told: the key,
// and what it may do.

import { displayName } from "../../wire/name.js";
import { ExitStatus, Failure, type Request, UsageError } from "../command.js";
import { readConfiguration } from "../configuration.js";
import { shown, typedName } from "../names.js";
import type { tsigPolicyOptions } from "../options.js";
import { asJson } from "../render.js";
import { policyFor } from "../update-policy.js";
import { bindText, knotText, pdnsText, policyRemarks } from "../update-policy-text.js";

const texts = { bind: bindText, knot: knotText, pdns: pdnsText } as const;

export async function run(request: Request<typeof tsigPolicyOptions>): Promise<ExitStatus> {
  const { options, style, output } = request;
  const { server } = options;
  if (server === undefined) throw new UsageError("tsig-policy: write --server bind, knot or pdns");
  const { file, settings, senders } = await readConfiguration(options.config);
  const published = settings.engine.links.flatMap((link) => link.published ?? []);
  if (published.length === 0) {
    throw new Failure(`${file} has no interface in mode 'update' that is here: nothing to allow`);
  }
  const policies = policyFor(published, options.zone.map(typedName));
  const words = { showsSecrets: options["show-secret"], addresses: senders };
  const text = texts[server as keyof typeof texts](policies, words);
  const remarks = policyRemarks(policies);
  for (const remark of remarks) output.complain(remark);
  if (style.json) {
    const zones = policies.map(({ zone, key, subdomains, lists }) => ({
      zone: shown(zone, style),
      key: key === undefined ? null : displayName(key.name),
      algorithm: key?.algorithm ?? null,
      below: subdomains.map((name) => shown(name, style)),
      lists: lists.map((name) => shown(name, style)),
    }));
    output.print(asJson({ server, zones, text }));
  } else output.print(text);
  return remarks.length > 0 ? ExitStatus.nothing : ExitStatus.done;
}
