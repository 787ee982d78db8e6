// Completion in the shells themselves: bash, zsh and fish in a terminal, where
// TAB is pressed, with discd there to be asked for zones, interfaces and services.

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { demoStage, discli } from "./discli-stage.js";
import { needs } from "./needs.js";
import type { Terminal } from "./terminal.js";

const stage = demoStage("warm = true\nzones = { 'mesh' }");

/** What is typed, what then stands on the line, and what is offered beside it. */
const cases: readonly (readonly [string, RegExp])[] = [
  ["discli bro\t", /discli browse /],
  ["discli show inter\t", /discli show interfaces /],
  ["discli browse _ip\t\t\t", /_ipp\._tcp/],
  ["discli browse _ipp._tcp demo.h\t", /discli browse _ipp\._tcp demo\.home\.arpa /],
  ["discli show services if=de\t", /if=demo /],
  ["discli show hosts add\t", /address=/],
  ["discli delegation print a.b --for po\t\t\t", /powershell/],
];

const quoted = /resolve (Dr\\\\\.\\ Smith\\'s\\ Printer|'Dr\\\. Smith|Dr\\\\.\\ Smith)/;

interface Shell {
  readonly command: string;
  readonly prompt: RegExp;
  readonly setUp: string;
}

function shellOf(name: "bash" | "zsh" | "fish"): Shell {
  switch (name) {
    case "bash":
      return {
        command: "bash --noprofile --norc -i",
        prompt: /\$ |# /,
        setUp: "PS1='ready> '; bind 'set bell-style none'; source <(discli completion bash)\n",
      };
    case "zsh":
      return {
        command: "zsh -f -i",
        prompt: /[%#] /,
        setUp:
          "PS1='ready> '; unsetopt beep; autoload -U compinit; compinit -u -D; source <(discli completion zsh)\n",
      };
    case "fish":
      return {
        command: "fish --private --no-config -i",
        prompt: /> |# /,
        setUp:
          "function fish_prompt; echo -n 'ready> '; end; discli completion fish | source; clear\n",
      };
  }
}

/** A shell that has the completion, at its prompt. */
async function shell(name: "bash" | "zsh" | "fish"): Promise<Terminal> {
  const { command, prompt, setUp } = shellOf(name);
  const bin = join(stage.folder, "bin");
  mkdirSync(bin, { recursive: true });
  try {
    symlinkSync(discli, join(bin, "discli"));
  } catch {
    // It is there from the shell before.
  }
  const home = join(stage.folder, name);
  mkdirSync(home, { recursive: true });
  const path = `${bin}:${process.env.PATH}`;
  const terminal = stage.terminal(command, { PATH: path, HOME: home });
  await terminal.shows(prompt);
  terminal.type(setUp);
  await terminal.shows(/^ready> /m);
  return terminal;
}

/** Between two keys, in milliseconds: who sees nothing come clears the line and types again. */
const paces = [400, 1500, 5000];

/** Ctrl-C until there is a new prompt: one may end no more than a completion that is on its way. */
async function cleared(terminal: Terminal): Promise<void> {
  for (let tries = 0; tries < 8; tries++) {
    const from = terminal.plain.length;
    terminal.type("\u0003");
    const shown = await terminal.shows(/ready> /, from, 2000).catch(() => undefined);
    if (shown !== undefined) break;
  }
  await sleep(200);
}

/** Types, and waits for what appears; then clears the line. */
async function completes(terminal: Terminal, typed: string, want: RegExp): Promise<void> {
  for (const pace of paces) {
    const from = terminal.plain.length;
    // Word by word, as fingers do: TAB is not pasted text.
    for (const part of typed.split(/(?=\t)/)) {
      terminal.type(part);
      await sleep(pace);
    }
    const outcome = await terminal.shows(want, from, pace * 10).catch((error: Error) => error);
    await cleared(terminal);
    if (typeof outcome === "string") return;
    if (pace === paces.at(-1)) throw outcome;
  }
}

for (const name of ["bash", "zsh", "fish"] as const) {
  const it = needs(name, "script");
  it(`A2.1 ${name}: TAB completes verbs, types, zones, interfaces, filters and names with spaces`, async () => {
    const terminal = await shell(name);
    for (const [typed, want] of cases) await completes(terminal, typed, want);
    await completes(terminal, "discli resolve Dr\t", quoted);
    terminal.type("exit\n");
    await terminal.end();
    expect(terminal.text).not.toMatch(/command not found|syntax error|parse error/);
  }, 240_000);
}
