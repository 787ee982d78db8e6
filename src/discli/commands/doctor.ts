// `doctor`: finds out whose fault it is, stage by stage.

import { readResolverFile } from "../../os/resolv-conf.js";
import { formatName } from "../../wire/name.js";
import { ExitStatus, type Request, UsageError } from "../command.js";
import type { Target } from "../doctor/check.js";
import { everyCheck, playbooks } from "../doctor/playbook.js";
import { bare } from "../doctor/reply.js";
import { renderExplanation, renderFinding, renderJson, renderSummary } from "../doctor/report.js";
import { type Ears, runPlaybook, statusOf } from "../doctor/run.js";
import { Scene } from "../doctor/scene.js";
import { findTarget } from "../doctor/target.js";
import { typedName } from "../names.js";
import type { doctorOptions } from "../options.js";
import { siteFrom } from "../policy.js";
import { plainWord } from "../shell-words.js";

type DoctorRequest = Request<typeof doctorOptions>;

function explain(id: string, { server, options, output }: DoctorRequest): ExitStatus {
  const found = everyCheck().filter(({ check }) => id === "all" || check.id === id);
  if (found.length === 0) {
    const ids = everyCheck().map(({ check }) => check.id);
    throw new UsageError(`--explain ${id}: write one of ${ids.join(", ")}, or all`);
  }
  const target: Target = {
    zone:
      options.zone === undefined ? "ZONE" : plainWord(bare(formatName(typedName(options.zone)))),
    server: plainWord(server?.split(",")[0] ?? "SERVER"),
    interface: plainWord(options["expect-if"] ?? "IF"),
  };
  const texts = found.map(({ check, stage }) => renderExplanation(check, stage, target));
  output.print(texts.join("\n"));
  return ExitStatus.done;
}

export async function run(request: DoctorRequest): Promise<ExitStatus> {
  const { options, server, api, style, output } = request;
  if (options.explain !== undefined) return explain(options.explain, request);
  const playbook = playbooks[(options.as ?? "usual") as keyof typeof playbooks];
  if (options.as !== undefined && server !== undefined) {
    throw new UsageError(`--as ${options.as} asks this system's resolver: leave --server out`);
  }
  const site = options.policy === undefined ? undefined : await siteFrom(options.policy);
  const resolver = readResolverFile();
  const looking = findTarget({ zone: options.zone, server }, resolver);
  const target = await output.waiting("finding the zone and its servers", looking);
  const { "expect-if": expectedInterface } = options;
  const scene = new Scene({
    ...target,
    resolver,
    ...(expectedInterface === undefined ? {} : { expectedInterface }),
    ...(api === undefined ? {} : { api }),
    ...(site === undefined ? {} : { site }),
  });
  const ears: Ears = {
    during: ({ title }, work) => output.waiting(title, work),
    found: (finding) => {
      if (!style.json) output.print(renderFinding(finding));
    },
  };
  const outcome = await runPlaybook(playbook, scene, { isWhole: options.all, ears });
  const zone = target.zone === undefined ? "" : bare(formatName(target.zone));
  output.print(style.json ? renderJson(outcome, zone) : renderSummary(outcome));
  return statusOf(outcome);
}
