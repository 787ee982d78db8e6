// Lets programs outside of a namespace reach servers inside: each port given has
// a socket file of its name in a folder, and what is connected there is joined to
// the port. Arguments: folder, address, ports.
import { connect, createServer } from "node:net";
import { join } from "node:path";

const [folder, address, ...ports] = process.argv.slice(2);

for (const port of ports) {
  const server = createServer((near) => {
    const far = connect(Number(port), address);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  server.listen(join(folder, port), () => process.stdout.write(`${port}\n`));
}
process.stdin.on("end", () => process.exit(0)).resume();
