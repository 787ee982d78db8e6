// Stage 6 of the playbook: what the site's policy says of leaks and of DNS over
// HTTPS, and whether this network keeps to it.

import { displayName } from "../../wire/name.js";
import { check, type Stage } from "./check.js";
import { canaryName, type DohFacts, dohFacts, type Try } from "./doh.js";
import { type Reply, replyText } from "./reply.js";
import { type Route, routesOf, routeText } from "./route-stage.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

const noPolicy = (): Verdict => skip("no policy is given", ["write one down: --policy FILE"]);

/** The name is there, with addresses: nobody tells browsers to leave DoH off. */
const isPositive = (reply: Reply): boolean => reply.kind === "answer" && reply.found.length > 0;

/** Only the resolver's own word counts; silence is none. */
const isNegative = (reply: Reply): boolean =>
  reply.kind === "answer" && reply.found.length === 0 && /^N(OERROR|XDOMAIN)$/.test(reply.rcode);

function triesText({ url, address, outcome, text }: Try): string {
  const where = address === undefined ? url : `${url} at ${address}`;
  return `${where}: ${outcome === "blocked" ? `not reached, ${text}` : text}`;
}

export function judgeDoh({ policy, zone = "the zone", tries, canary }: DohFacts): Verdict {
  if (policy === undefined) return noPolicy();
  const evidence = [
    ...(tries ?? []).map(triesText),
    ...canary.map((reply, at) => `${canaryName} ${["A", "AAAA"][at]}: ${replyText(reply, true)}`),
  ];
  if (tries === undefined) evidence.unshift("the policy names no list of endpoints (doh_list)");
  const reached = (tries ?? []).filter(({ outcome }) => outcome !== "blocked");
  if (policy === "allow") {
    const text = "DNS over HTTPS is allowed";
    const effect = `who uses it asks others for names of ${zone}, and finds nothing`;
    return pass(reached.length > 0 ? `${text}: ${effect}` : text, evidence);
  }
  if (reached.length > 0) {
    const urls = [...new Set(reached.map(({ url }) => url))];
    const some = urls.slice(0, 3).join(", ");
    const more = urls.length > 3 ? ` and ${urls.length - 3} more` : "";
    const text = `DNS over HTTPS is denied, and gets through: ${some}${more}`;
    const addresses = [...new Set(reached.map(({ address }) => address))].slice(0, 8).join(", ");
    const remedy = [
      `drop TCP and UDP ports 443 and 853 to ${addresses} where this network ends`,
      "on managed devices, switch it off by policy: Firefox DNSOverHTTPS, Chrome DnsOverHttpsMode",
    ];
    return fail("DOH-REACHABLE", text, remedy, evidence);
  }
  if (canary.some(isPositive)) {
    const text = `DNS over HTTPS is denied, and ${canaryName} exists: browsers are not told so`;
    const remedy = [
      `unbound: local-zone: "${canaryName}." always_nxdomain`,
      `dnsmasq: server=/${canaryName}/   BIND: an empty zone of that name, or RPZ`,
    ];
    return warn("DOH-CANARY", text, remedy, evidence);
  }
  if (tries === undefined && !canary.some(isNegative)) {
    return skip("there is nothing to tell it from", ["name endpoints: doh_list"], evidence);
  }
  return pass("DNS over HTTPS is denied, and does not get through", evidence);
}

export interface LeakRouteFacts {
  readonly leak: "internal" | "all" | undefined;
  readonly expected: string | undefined;
  readonly routes: readonly Route[];
}

export function judgeLeakRoutes({ leak, expected, routes }: LeakRouteFacts): Verdict {
  if (leak === undefined) return noPolicy();
  const evidence = routes.map(routeText);
  const proof = ["packets prove it: discli leakcheck --if IF --zone ZONE --policy FILE"];
  if (leak === "internal") {
    return pass("only names of the zone count as leaks; see leakcheck", [...evidence, ...proof]);
  }
  const meant = expected ?? routes.find(({ role }) => role === "server")?.dev;
  const resolvers = routes.filter(({ role, dev }) => role === "resolver" && dev !== undefined);
  if (meant === undefined)
    return skip("no interface is meant", ["name it: --expect-if IF"], evidence);
  const astray = resolvers.find(({ dev, isLocal }) => isLocal !== true && dev !== meant);
  if (astray !== undefined) {
    const text = `every name counts, and ${astray.address} is asked by ${astray.dev}, not by ${meant}`;
    const remedy = [
      `let the system ask a resolver behind ${meant} alone: resolvectl dns ${meant} ADDRESS; ` +
        `resolvectl domain ${meant} '~.'`,
    ];
    return fail("NAMES-LEAVE-ELSEWHERE", text, remedy, evidence);
  }
  if (resolvers.some(({ isLocal }) => isLocal === true)) {
    return skip(
      "a resolver on this host asks others; where, its routes do not say",
      proof,
      evidence,
    );
  }
  return pass(`every name leaves by ${meant}`, evidence);
}

export const policyStage: Stage = {
  id: "policy",
  title: "does this network keep to the site's policy?",
  checks: [
    check<DohFacts>({
      id: "doh",
      title: "Does DNS over HTTPS (or TLS) get past this network, and may it?",
      codes: {
        "DOH-REACHABLE": "the policy denies it, and an endpoint of the list is reached",
        "DOH-CANARY": `the policy denies it, and ${canaryName} does not tell browsers so`,
      },
      limit: 25_000,
      commands: () => [
        "curl -sS -H 'accept: application/dns-message' 'https://ENDPOINT?dns=AAABAAABAAAAAAAAB2V4YW1wbGUDb3JnAAABAAE' | xxd",
        `dig ${canaryName}`,
      ],
      gather: (scene) => {
        const { zone } = scene.parts;
        return dohFacts(scene, zone && displayName(zone));
      },
      judge: judgeDoh,
    }),
    check<LeakRouteFacts>({
      id: "leak-policy",
      title:
        "Where every name counts as a leak: do all of them leave by the interface that is meant?",
      codes: {
        "NAMES-LEAVE-ELSEWHERE": "a resolver of this system is asked by another interface",
      },
      limit: 3000,
      commands: ({ zone, interface: name }) => [
        "ip route get RESOLVER",
        `sudo discli leakcheck --if ${name} --zone ${zone} --policy FILE`,
      ],
      gather: async (scene) => {
        const { site, expectedInterface } = scene.parts;
        const routes = site === undefined ? [] : await routesOf(scene);
        return { leak: site?.policy.leak, expected: expectedInterface, routes };
      },
      judge: judgeLeakRoutes,
    }),
  ],
};
