// The policy of a site, where a command line names its file.

import { type Policy, readPolicy, usualPolicy } from "../config/policy-file.js";
import { Failure } from "./command.js";

/** @throws Failure with every problem of the file, each with its line */
export async function policyFrom(file: string | undefined): Promise<Policy> {
  if (file === undefined) return usualPolicy;
  const policy = await readPolicy(file);
  if ("problems" in policy) throw new Failure(`the policy is wrong\n${policy.problems}`);
  return policy;
}
