// `resolve`: where one instance is, and what it says of itself.

import { ExitStatus, nothing, type Request } from "../command.js";
import { shown, typedInstance } from "../names.js";
import { resolve } from "../questions.js";
import { renderInstance } from "../render.js";
import { resolverFor } from "../resolvers.js";
import { instanceTable } from "../tables.js";

export async function run(request: Request): Promise<ExitStatus> {
  const { words, style, output } = request;
  const name = typedInstance(words[0] as string);
  const text = shown(name, style);
  const resolver = await resolverFor(request);
  const instance = await output.waiting(`asking for ${text}`, resolve(resolver, name));
  const isThere = instance.places.length > 0 || instance.texts.length > 0;
  const isTable = output.isTerminal && !style.json;
  const form = isTable ? instanceTable : renderInstance;
  if (isThere || style.json) output.print(form(instance, style));
  if (instance.places.length > 0) return ExitStatus.done;
  return nothing(output, `${text} is not there`);
}
