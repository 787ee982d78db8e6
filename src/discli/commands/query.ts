// `query`: one question of any type.

import { ResolverError } from "../../os/resolver.js";
import { parseType, RRType, typeName } from "../../wire/codes.js";
import { ExitStatus, nothing, type Request, UsageError } from "../command.js";
import { shown, typedName } from "../names.js";
import { faultOf } from "../questions.js";
import { renderMessage } from "../render.js";
import { resolverFor } from "../resolvers.js";
import { messageTable } from "../tables.js";

export async function run(request: Request): Promise<ExitStatus> {
  const { words, style, output } = request;
  const [text, typeText] = words;
  const type = typeText === undefined ? RRType.A : parseType(typeText.toUpperCase());
  if (type === undefined) {
    throw new UsageError(`"${typeText}" is no record type; A, PTR, TYPE65280 are`);
  }
  const name = typedName(text as string);
  const resolver = await resolverFor(request);
  const what = `asking for ${shown(name, style)} ${typeName(type)}`;
  const answer = await output.waiting(what, resolver.ask(name, type));
  const isTable = output.isTerminal && !style.json && !style.escaped;
  output.print((isTable ? messageTable : renderMessage)(answer.message, style));
  const fault = faultOf(answer, name);
  if (fault !== undefined) throw new ResolverError(fault);
  if (answer.message.answers.length > 0) return ExitStatus.done;
  return nothing(output, `no ${typeName(type)} record at ${shown(name, style)}`);
}
