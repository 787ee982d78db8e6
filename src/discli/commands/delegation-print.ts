// `delegation print`: the records that a zone needs, so that discd's are found.

import { formatRR } from "../../wire/text.js";
import { ExitStatus, type Request } from "../command.js";
import { readDelegation } from "../configuration.js";
import { zoneText } from "../delegation.js";
import { shown, typedName } from "../names.js";
import type { delegationPrintOptions } from "../options.js";
import { asJson } from "../render.js";

export async function run(request: Request<typeof delegationPrintOptions>): Promise<ExitStatus> {
  const { words, options, style, output } = request;
  const domain = typedName(words[0] as string);
  const { delegation, warnings } = await readDelegation(options.config, domain);
  for (const warning of warnings) output.complain(warning);
  if (style.json) {
    const { origin, parts } = delegation;
    output.print(
      asJson({
        zone: shown(origin, style),
        records: parts.flatMap(({ rrs }) => rrs.map(formatRR)),
        remarks: parts.flatMap(({ remarks }) => remarks),
      }),
    );
  } else {
    output.print(zoneText(delegation));
  }
  return warnings.length > 0 ? ExitStatus.nothing : ExitStatus.done;
}
