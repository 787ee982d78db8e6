// `delegation print`: the records that a zone needs, so that discd's are found.

import { formatRR } from "../../wire/text.js";
import { ExitStatus, type Request } from "../command.js";
import { readDelegation } from "../configuration.js";
import { type DelegationForm, formed } from "../delegation-forms.js";
import { shown, typedName } from "../names.js";
import type { delegationPrintOptions } from "../options.js";
import { asJson } from "../render.js";

export async function run(request: Request<typeof delegationPrintOptions>): Promise<ExitStatus> {
  const { words, options, style, output } = request;
  const domain = typedName(words[0] as string);
  const { delegation, ...read } = await readDelegation(options.config, domain);
  const form = (options.for ?? "bind") as DelegationForm;
  const said = formed(delegation, form);
  const warnings = [...read.warnings, ...said.warnings];
  for (const warning of warnings) output.complain(warning);
  if (style.json && form !== "route53") {
    const { origin, parts } = delegation;
    output.print(
      asJson({
        zone: shown(origin, style),
        records: parts.flatMap(({ rrs }) => rrs.map(formatRR)),
        remarks: parts.flatMap(({ remarks }) => remarks),
      }),
    );
  } else {
    output.print(said.text);
  }
  return warnings.length > 0 ? ExitStatus.nothing : ExitStatus.done;
}
