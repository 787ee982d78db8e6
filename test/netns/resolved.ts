// A real systemd-resolved in a node of a laboratory: with a message bus, a /run and
// an /etc of its own, so that it neither finds nor leaves anything of the machine's.

import { accessSync } from "node:fs";
import { dirname, join } from "node:path";
import { Child, run, until } from "./children.js";
import type { Lab } from "./lab.js";

const path = `${process.env.PATH ?? ""}:/usr/bin`;

/** Where resolvectl is, with its folder; the daemon belongs to the same package. */
function findResolvectl(): string {
  for (const folder of path.split(":")) {
    try {
      accessSync(join(folder, "resolvectl"));
      return join(folder, "resolvectl");
    } catch {
      // In the next, perhaps.
    }
  }
  return "/usr/bin/resolvectl";
}

const bus = `<busconfig><type>system</type>
<listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`;

/** The user that it changes to is made where the package has not made it. */
const script = (daemon: string) => `set -e
mount -t tmpfs none /run
mkdir -p /run/dbus /run/etc /run/work
mount -t overlay none -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work /etc
grep -q ^systemd-resolve: /etc/passwd || echo 'systemd-resolve:x:993:993::/:/usr/sbin/nologin' >>/etc/passwd
grep -q ^systemd-resolve: /etc/group || echo 'systemd-resolve:x:993:' >>/etc/group
mkdir -p /run/systemd/resolve
chown systemd-resolve:systemd-resolve /run/systemd/resolve
mkdir -p /etc/systemd
printf '[Resolve]\\nFallbackDNS=\\nLLMNR=no\\nMulticastDNS=yes\\n' >/etc/systemd/resolved.conf
ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
echo '${bus}' >/run/bus.conf
dbus-daemon --config-file=/run/bus.conf --nofork --nopidfile >/dev/null 2>&1 &
echo bus $!
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
exec ${daemon}
`;

export class Resolved {
  readonly #child: Child;
  readonly #resolvectl: string;

  private constructor(child: Child, resolvectl: string) {
    this.#child = child;
    this.#resolvectl = resolvectl;
  }

  static async start(lab: Lab, node: string): Promise<Resolved> {
    const resolvectl = findResolvectl();
    const daemon = join(dirname(resolvectl), "../../lib/systemd/systemd-resolved");
    const child = new Child([...lab.enter(node), "unshare", "-m", "sh", "-c", script(daemon)]);
    const started = new Resolved(child, resolvectl);
    await until("systemd-resolved is on the bus", () => {
      if (child.exit !== undefined) throw new Error(child.stderrLines.join("\n"));
      try {
        return started.control("status").includes("Global");
      } catch {
        return false;
      }
    });
    return started;
  }

  /** The command that enters its namespaces. */
  enter(): string[] {
    return ["nsenter", "-t", String(this.#child.pid), "-m", "-n"];
  }

  /** What `resolvectl` with these words prints. */
  control(words: string): string {
    return run([...this.enter(), this.#resolvectl, "--no-pager", ...words.split(" ")]);
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    const bus = /^bus (\d+)$/m.exec(this.#child.stdoutLines.join("\n"))?.[1];
    if (bus !== undefined) process.kill(Number(bus), "SIGTERM");
  }
}
