// `stats`: how much there is to do, and what it takes.

import { Api } from "../api.js";
import { renderColumns, renderFacts } from "../columns.js";
import { ExitStatus, type Request } from "../command.js";
import { Exposition } from "../exposition.js";
import type { statsOptions } from "../options.js";
import { asJson } from "../render.js";
import { type MulticastRow, multicastOf, statsFacts, statsOf } from "../stats.js";

export async function run(request: Request<typeof statsOptions>): Promise<ExitStatus> {
  const { options, output, style } = request;
  const api = new Api(request);
  const reply = await output.waiting(`asking ${api.place.text}`, api.ask("GET", "/metrics"));
  if (reply.status !== 200) throw api.refusal(reply);
  const page = new Exposition(reply.text);
  // It tells its version, whatever else it leaves out.
  if (page.of("discd_build_info").length === 0) throw api.odd("its /metrics is not discd's");
  if (options.multicast) {
    const { zones } = await api.get("/v1/zones");
    const rows = multicastOf(page, zones);
    if (style.json) output.print(asJson({ interfaces: rows }));
    else output.print(renderColumns(rows, multicastColumns, output));
    return rows.length > 0 ? ExitStatus.done : ExitStatus.nothing;
  }
  const stats = statsOf(page);
  output.print(style.json ? asJson(stats) : renderFacts(statsFacts(stats), output));
  return ExitStatus.done;
}

const multicastColumns = [
  { heading: "interface", cell: ({ link }: MulticastRow) => link },
  { heading: "packets in", cell: (row: MulticastRow) => row.in },
  { heading: "packets sent", cell: ({ out }: MulticastRow) => out },
  { heading: "questions of clients", cell: ({ asked }: MulticastRow) => asked },
  { heading: "packets saved", cell: ({ saved }: MulticastRow) => saved },
] as const;
