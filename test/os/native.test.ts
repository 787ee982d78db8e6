// System calls that Node does not have: told apart from one another by what the
// kernel answers.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { describe, expect, test } from "vitest";
import { loadNative, type Native, type SystemError } from "../../src/os/native.js";
import { notifySystemd } from "../../src/os/systemd.js";

const found = await loadNative();
if ("reason" in found) throw new Error(found.reason);
const native: Native = found;

const library = koffi.load(null);
const socket = library.func("int socket(int, int, int)");
const bind = library.func("int bind(int, const uint8_t *, uint32_t)");
const recv = library.func("long recv(int, _Out_ uint8_t *, size_t, int)");
const close = library.func("int close(int)");

/** A Unix datagram socket, as systemd has one; `path` as in sockaddr_un. */
function listenUnix(path: string): { take(): string | undefined; close(): void } {
  const fd = socket(1, 2 | 0o4000, 0) as number;
  const address = Buffer.alloc(110);
  address.writeUInt16LE(1, 0);
  const length = address.write(path, 2);
  expect(bind(fd, address, 2 + length + (path.startsWith("\0") ? 0 : 1))).toBe(0);
  return {
    take() {
      const bytes = Buffer.alloc(500);
      const count = Number(recv(fd, bytes, bytes.length, 0));
      return count < 0 ? undefined : bytes.toString("utf8", 0, count);
    },
    close: () => close(fd),
  };
}

describe("systemd", () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-notify-"));
  const abstract = `discd-test-${process.pid}`;
  const places = [
    { name: "a path", bound: join(folder, "notify"), told: join(folder, "notify") },
    { name: "an abstract socket", bound: `\0${abstract}`, told: `@${abstract}` },
  ];
  for (const { name, bound, told } of places) {
    test(`hears of it at ${name}`, () => {
      const ear = listenUnix(bound);
      process.env.NOTIFY_SOCKET = told;
      try {
        notifySystemd(native, "ready");
        notifySystemd(native, "reloading");
        notifySystemd(native, "stopping");
        expect(ear.take()).toBe("READY=1");
        expect(ear.take()).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
        expect(ear.take()).toBe("STOPPING=1");
        expect(ear.take()).toBeUndefined();
      } finally {
        ear.close();
        delete process.env.NOTIFY_SOCKET;
        if (name === "a path") rmSync(folder, { recursive: true });
      }
    });
  }

  test("is left alone where nobody asked, or nobody listens any more", () => {
    notifySystemd(native, "ready");
    process.env.NOTIFY_SOCKET = "/nonexistent/notify";
    try {
      expect(() => notifySystemd(native, "ready")).not.toThrow();
    } finally {
      delete process.env.NOTIFY_SOCKET;
    }
  });
});

describe("errors", () => {
  test("have the name of their errno", () => {
    expect(() => native.sendUnix("/nonexistent/socket", "x")).toThrow(
      expect.objectContaining({ code: "ENOENT" }) as SystemError,
    );
  });

  test("a group on an interface that does not exist is refused", () => {
    const place = { name: "none0", index: 99_999, group: Uint8Array.of(224, 0, 0, 251) };
    expect(() => native.openMulticast({ ...place, port: 5353, ttl: 255 })).toThrow(
      expect.objectContaining({ code: "ENODEV" }) as SystemError,
    );
  });
});

test("whether the clock is kept is what the kernel makes of it otherwise, too [TO-8]", () => {
  // The state of the clock is what it returns: TIME_ERROR, 5, while nobody keeps it.
  const state = library.func("int ntp_adjtime(_Inout_ uint8_t *)")(new Uint8Array(208)) as number;
  expect(native.isClockKept()).toBe(state !== 5);
});
