// The policy of a site, where a command line names its file.

import { readFile, stat } from "node:fs/promises";
import { type Policy, readPolicy, usualPolicy } from "../config/policy-file.js";
import { Failure } from "./command.js";
import { type Endpoint, listBytesMax, readEndpoints } from "./doctor/doh-list.js";

/** The policy with what its other files say. */
export interface SitePolicy {
  readonly policy: Policy;
  /** Undefined: no list is named. */
  readonly endpoints: readonly Endpoint[] | undefined;
}

/** @throws Failure with every problem of the file, each with its line */
export async function policyFrom(file: string | undefined): Promise<Policy> {
  if (file === undefined) return usualPolicy;
  const policy = await readPolicy(file);
  if ("problems" in policy) throw new Failure(`the policy is wrong\n${policy.problems}`);
  return policy;
}

/** @throws Failure as `policyFrom`, and for the list of endpoints */
export async function siteFrom(file: string): Promise<SitePolicy> {
  const policy = await policyFrom(file);
  const { dohList } = policy;
  const endpoints = dohList === undefined ? undefined : await endpointsFrom(dohList);
  return { policy, endpoints };
}

/** @throws Failure with every problem of the list, each with its line */
export async function endpointsFrom(file: string): Promise<readonly Endpoint[]> {
  const endpoints = readEndpoints(await textOf(file), file);
  if (!("problems" in endpoints)) return endpoints;
  throw new Failure(`the list of endpoints is wrong\n${endpoints.problems}`);
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= listBytesMax) return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`${file}: ${code}; doh_list of the policy names it`);
  }
  throw new Failure(`${file}: it is larger than ${listBytesMax} bytes`);
}
