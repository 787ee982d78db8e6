// What a shell may offer, word by word.

import { describe, expect, test } from "vitest";
import { offersFor } from "../../src/discli/complete.js";
import { quoted, readLine } from "../../src/discli/shell-words.js";
import { commands } from "../../src/discli/table.js";
import { discli } from "./stage.js";

/** What is offered behind a line, whose last word is the one being typed. */
function offers(line: string) {
  const words = line.split(" ");
  return offersFor(words.slice(0, -1), words.at(-1) ?? "");
}

const words = (...list: string[]) => ({ kind: "words", words: list });
const ask = (what: string, prefix = "") => ({ kind: "ask", what, prefix });

describe("A2.1 what may come next", () => {
  test.each([
    ["bro", words("browse")],
    ["del", words("delegation")],
    ["delegation ", words("print", "verify")],
    ["--json bro", words("browse")],
    ["--server 192.0.2.1 dom", words("domains")],
    ["--server=192.0.2.1 dom", words("domains")],
    // The value of an option is no command.
    ["--server bro", words()],
    ["browse ", ask("type")],
    ["browse _ipp._tcp ", ask("zone")],
    ["browse _ipp._tcp a.example ", words()],
    ["browse --wa", words("--watch")],
    ["resolve --wa", words()],
    ["browse -- --wa", ask("type")],
    ["resolve ", ask("instance")],
    ["query a.example AA", words("AAAA")],
    ["query a.example aa", words("AAAA")],
    ["show in", words("interfaces")],
    ["show hosts ", words("address=", "if=", "link=", "name=")],
    ["show hosts name=a ad", words("address=")],
    ["show packets if=", ask("interface", "if=")],
    ["show packets type=PT", words("type=PTR")],
    ["show packets direction=", words("direction=in", "direction=out")],
    ["show zones kind=RE", words("kind=records", "kind=reverse")],
    ["show services type=", ask("type", "type=")],
    ["show services zone=fl", ask("zone", "zone=")],
    ["show services name=", words()],
    ["delegation print a.example --for po", words("powerdns", "powershell")],
    ["delegation print a.example --for=k", words("--for=knot")],
    ["delegation print -c ", { kind: "files" }],
    ["delegation print --config=", { kind: "files" }],
    ["completion ", words("bash", "fish", "zsh")],
    ["nonsense ", words()],
  ])("%s", (line, want) => expect(offers(line)).toEqual(want));

  test("no command is left out, and the one for scripts is not offered", () => {
    const { words: found } = offers("") as { words: readonly string[] };
    const seen = commands.filter(({ isHidden }) => isHidden !== true);
    expect(found).toEqual([...new Set(seen.map(({ name }) => name.split(" ")[0]))].sort());
    expect(found).not.toContain("complete");
  });
});

describe("the line of bash", () => {
  test.each([
    ["discli ", ["discli", ""]],
    ["discli bro", ["discli", "bro"]],
    ["discli  query\t'a b' \"c d", ["discli", "query", "a b", "c d"]],
    ["discli a\\ b c\\\\d", ["discli", "a b", "c\\d"]],
    ['discli "a\\"b\\c" \'\' ', ["discli", 'a"b\\c', "", ""]],
    ["discli a\\", ["discli", "a"]],
  ])("%j", (line, want) => expect(readLine(line).words).toEqual(want));

  test.each([
    ["Dr\\. Who._ipp._tcp.a", "Dr\\\\.\\ Who._ipp._tcp.a"],
    ["プリンター", "プリンター"],
    ["$(reboot);`x`", "\\$\\(reboot\\)\\;\\`x\\`"],
  ])("%s is typed as %s", (word, want) => {
    expect(quoted(word)).toBe(want);
    expect(readLine(want).words).toEqual([word]);
  });

  test("a word that bash cuts at = is offered from there on", async () => {
    const of = (line: string) => discli(["complete", "bash", "--", line]);
    expect((await of("discli bro")).out).toBe("browse \n");
    expect((await of("discli show hosts na")).out).toBe("name=\n");
    expect((await of("discli show packets type=PT")).out).toBe("PTR \n");
    expect((await of("discli delegation print x --config ")).out).toBe(":files\n");
  });
});

test("without discd there are the usual types, and no complaint", async () => {
  const typed = ["--api", "/nonexistent", "browse", "_ipp"];
  const { status, out, err } = await discli(["complete", "fish", "--", ...typed]);
  expect({ status, out, err }).toEqual({ status: 0, out: "_ipp._tcp\n_ipps._tcp\n", err: "" });
});
