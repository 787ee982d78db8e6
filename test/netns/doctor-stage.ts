// The laboratory of the doctor: a client two hops from discd, a router, a resolver
// (Unbound) and the parent zones (BIND) in the middle, a second uplink of the
// client's, and a real avahi-daemon on the link. Each test breaks one thing.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./children.js";
import { type Daemon, top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { startUnbound } from "./resolvers.js";

const discli = join(top, "bin", "discli");

/** `hot` is a hotel's network: its resolver knows nothing of the office, and it passes nothing on. */
const drawing = `
  wan:  cli  10.9.0.2/24 2001:db8:9::2/64
      | rt   10.9.0.1/24 2001:db8:9::1/64
  hot:  cli  10.6.0.2/24
      | isp  10.6.0.1/24
  core: rt   10.7.0.1/24 2001:db8:7::1/64
      | res  10.7.0.53/24 2001:db8:7::53/64
      | dns  10.7.0.10/24 2001:db8:7::10/64
      | isp  10.7.0.99/24
  uplink: rt 10.8.0.1/24 2001:db8:8::1/64
      | px   10.8.0.53/24 2001:db8:8::53/64
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | ava1 10.1.0.2/24 2001:db8:1::2/64
      | ref  10.1.0.9/24
  net2: px   10.2.0.1/24
      | ref  10.2.0.9/24
`;

const gateways = {
  cli: ["10.9.0.1", "2001:db8:9::1"],
  res: ["10.7.0.1", "2001:db8:7::1"],
  dns: ["10.7.0.1", "2001:db8:7::1"],
  px: ["10.8.0.1", "2001:db8:8::1"],
  ava1: ["10.1.0.1", "2001:db8:1::1"],
};

export const zone = "floor1.example.com";
export const server = "10.8.0.53";

export const config = `
interfaces = {
  { name = 'net1', subdomain = '${zone}', reverse = true },
  { name = 'net2', disable = true },
  { name = 'uplink', disable = true },
}
`;

/** What the parent zones hold of it. */
const parents = [
  {
    origin: "example.com.",
    lines: [
      "px.example.com. A 10.8.0.53",
      "px.example.com. AAAA 2001:db8:8::53",
      "floor1.example.com. NS px.example.com.",
      "lb._dns-sd._udp.example.com. PTR floor1.example.com.",
    ],
  },
  { origin: "10.in-addr.arpa.", lines: ["0.1.10.in-addr.arpa. NS px.example.com."] },
];

export interface Checked {
  readonly id: string;
  readonly stage: string;
  readonly state: "PASS" | "WARN" | "FAIL" | "SKIP";
  readonly code?: string;
  readonly decision: string;
  readonly evidence: readonly string[];
  readonly remedy: readonly string[];
}

export interface Diagnosis {
  readonly status: number | null | undefined;
  readonly checks: readonly Checked[];
  readonly left: readonly string[];
  /** `id CODE` of every check that warns or fails. */
  readonly faults: readonly string[];
  readonly ms: number;
  readonly check: (id: string) => Checked | undefined;
}

/** Where the doctor runs. */
export interface Where {
  /** What resolv.conf says there. */
  readonly resolvConf?: string;
  readonly node?: string;
  /** Enters namespaces that have a resolv.conf of their own, in place of the above. */
  readonly enter?: readonly string[];
  /** Changes rights and users. */
  readonly as?: readonly string[];
}

/** What every check said, for a test that expected something else. */
export const saidBy = ({ checks }: Diagnosis): string =>
  checks.map(({ id, state, decision }) => `${id} ${state} ${decision}`).join("\n");

export class DoctorStage {
  readonly lab: Lab;
  readonly #folder = mkdtempSync(join(tmpdir(), "discd-doctor-"));
  #unbound: Child | undefined;
  #bind: Child | undefined;
  discd: Daemon | undefined;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  async start(): Promise<void> {
    const { lab } = this;
    const forward = "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";
    lab.run("px", `sysctl -qw ${forward}`);
    for (const route of ["10.1.0.0/24 via 10.8.0.53", "2001:db8:1::/64 via 2001:db8:8::53"]) {
      lab.run("rt", `ip route add ${route}`);
    }
    await lab.avahi("ava1", {
      host: "printserver",
      services: [{ name: "Dr. Who's Printer", type: "_ipp._tcp", port: 631, txt: ["rp=ipp"] }],
    });
    await this.parents();
    await this.resolver();
    await lab.unbound("isp", 53, ["10.6.0.99"], ['local-zone: "." static']);
    this.discd = await lab.discd(config, { apex: zone });
  }

  /** The zones above anew. @param without  lines that match are left out */
  async parents(without?: RegExp, more: readonly string[] = []): Promise<void> {
    await this.#bind?.stop();
    const zones = parents.map(({ origin, lines }) => ({
      origin,
      lines: [...lines.filter((line) => without?.test(line) !== true), ...more],
    }));
    this.#bind = await this.lab.bind("dns", ["10.7.0.10"], zones);
  }

  /** The resolver anew, with these lines. */
  async resolver(more: readonly string[] = []): Promise<void> {
    await this.#unbound?.stop();
    const folder = join(this.#folder, "unbound");
    // BIND's own name is below test., which Unbound answers itself otherwise.
    const real = ['local-zone: "test." nodefault'];
    const lines = [...real, ...more];
    const child = await startUnbound(this.lab.enter("res"), folder, 53, ["10.7.0.10"], lines);
    this.#unbound = this.lab.keep(child);
  }

  /** Runs the doctor at the client. @param resolvConf  what its resolv.conf says */
  async run(words = `--zone ${zone} --server ${server}`, where: Where = {}): Promise<Diagnosis> {
    const start = Date.now();
    const child = this.launch(["--json", "doctor", ...words.split(" ")], where);
    await child.ended;
    const text = child.stdoutLines.join("\n");
    const { checks = [], left = [] } =
      text === "" ? {} : (JSON.parse(text) as Pick<Diagnosis, "checks" | "left">);
    if (checks.length === 0) throw new Error(child.stderrLines.join("\n"));
    const faults = checks.filter(({ state }) => state === "FAIL" || state === "WARN");
    return {
      status: child.exit?.code,
      checks,
      left,
      faults: faults.map(({ id, code }) => `${id} ${code}`),
      ms: Date.now() - start,
      check: (id) => checks.find((one) => one.id === id),
    };
  }

  /** discli with a resolv.conf of its own. */
  launch(
    words: readonly string[],
    { resolvConf = "nameserver 10.7.0.53\n", node = "cli", enter, as = [] }: Where = {},
  ): Child {
    if (enter !== undefined) return new Child([...enter, discli, ...words]);
    const file = join(this.#folder, "resolv.conf");
    writeFileSync(file, resolvConf);
    // Where the machine's file leads to a resolver of its own, it has to be replaced altogether.
    const own = `top=${this.#folder}/etc; mkdir -p $top
      if [ -L /etc/resolv.conf ]; then
        mount -t tmpfs none $top && mkdir $top/new $top/work
        mount -t overlay none -o lowerdir=/etc,upperdir=$top/new,workdir=$top/work /etc
        rm /etc/resolv.conf && cp ${file} /etc/resolv.conf
      else mount --bind ${file} /etc/resolv.conf; fi
      exec "$@"`;
    const inside = [...this.lab.enter(node), "unshare", "-m", "sh", "-c", own, "sh"];
    return new Child([...inside, ...as, discli, ...words]);
  }

  /** Breaks something on the router while `work` runs. */
  async withRules<T>(rules: readonly string[], work: () => Promise<T>, node = "rt"): Promise<T> {
    const text = ["table inet fault {", ...rules, "}"].join("\n");
    const file = join(this.#folder, "rules.nft");
    writeFileSync(file, `${text}\n`);
    this.lab.run(node, `nft -f ${file}`);
    try {
      return await work();
    } finally {
      this.lab.run(node, "nft delete table inet fault");
    }
  }

  /** Commands that break something in a node, and those that mend it. */
  async withCommands<T>(
    node: string,
    brk: string,
    mend: string,
    work: () => Promise<T>,
  ): Promise<T> {
    this.lab.run(node, brk);
    try {
      return await work();
    } finally {
      this.lab.run(node, mend);
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Built before the first test of a file. */
export function doctorStage(): { readonly stage: DoctorStage } {
  const built = {} as { stage: DoctorStage };
  laboratory(
    async (lab) => {
      built.stage = new DoctorStage(lab);
      lab.keep({ stop: async () => built.stage.close() });
      await built.stage.start();
    },
    () => new Lab(drawing, gateways),
  );
  return built;
}
