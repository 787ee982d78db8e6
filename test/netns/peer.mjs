// A foreign mDNS peer: the npm package multicast-dns, run in a namespace. Answers
// for the records in its first argument (JSON, as dns-packet writes them), asks
// what its standard input says, and prints every response as JSON.
import { createInterface } from "node:readline";
import makeMdns from "multicast-dns";

const { address, records } = JSON.parse(process.argv[2]);
const mdns = makeMdns({ interface: address, bind: "0.0.0.0" });

mdns.on("query", (query) => {
  const wanted = query.questions.flatMap((question) =>
    records.filter(
      ({ name, type }) =>
        name === question.name && (type === question.type || question.type === "ANY"),
    ),
  );
  if (wanted.length > 0) mdns.respond({ answers: wanted });
});
mdns.on("response", (response) => process.stdout.write(`${JSON.stringify(response)}\n`));
mdns.on("ready", () => process.stdout.write("ready\n"));
createInterface({ input: process.stdin })
  .on("line", (line) => mdns.query(JSON.parse(line)))
  .on("close", () => process.exit(0));
