// A program in a pseudo-terminal, as somebody at a keyboard has it: what is drawn,
// what is typed, and what the terminal is like afterwards.

import { Child, until } from "./children.js";

const columns = 120;

/** Of ECMA-48: CSI, OSC, and the short ones. */
const escapes =
  /\u001b(?:\[[0-9;?<=>]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;

export class Terminal {
  /** All that was written to the terminal, escape sequences included. */
  text = "";
  readonly child: Child;

  /**
   * @param enter    the command that enters a namespace
   * @param command  for sh
   */
  constructor(enter: readonly string[], command: string, env: NodeJS.ProcessEnv = {}) {
    const sized = `stty cols ${columns} rows 40; ${command}`;
    this.child = new Child([...enter, "script", "-qec", sized, "/dev/null"], {
      env: { TERM: "xterm-256color", SHELL: "/bin/sh", ...env },
    });
    this.child.stdout.on("data", (some: string) => {
      this.text += some;
    });
  }

  /** Without escape sequences and the terminal's own line ends. */
  get plain(): string {
    return this.text.replace(escapes, "").replaceAll("\r\n", "\n");
  }

  type(text: string): void {
    this.child.write(text);
  }

  /** Waits for a text to appear behind the first `from` characters of `plain`. */
  async shows(pattern: RegExp, from = 0, limit = 15_000): Promise<string> {
    try {
      return await until(String(pattern), () => pattern.exec(this.plain.slice(from))?.[0], limit);
    } catch {
      throw new Error(`not within ${limit} ms: ${pattern}; there is ${JSON.stringify(this.text)}`);
    }
  }

  async end(): Promise<number | null | undefined> {
    await this.child.ended;
    return this.child.exit?.code;
  }
}
