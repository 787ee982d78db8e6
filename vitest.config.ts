// The test projects: `tidy` reads the sources, `unit` needs nothing but Node,
// `netns` needs root and Debian packages and runs one file at a time, `web` needs
// Chromium as well.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "tidy", include: ["test/tidy.test.ts"] } },
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          globalSetup: "test/folder.ts",
          exclude: ["test/tidy.test.ts", "test/netns/**", "test/web/browser/**", "node_modules/**"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "netns",
          include: ["test/netns/**/*.test.ts"],
          globalSetup: "test/folder.ts",
          // One file at a time: some flood, and others measure time.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "web",
          include: ["test/web/browser/**/*.test.ts"],
          globalSetup: "test/folder.ts",
          // One browser at a time.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
