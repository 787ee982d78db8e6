// The test projects: `tidy` reads the sources, `unit` needs nothing but Node,
// `netns` needs root and Debian packages and runs two files at a time.
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
          exclude: ["test/tidy.test.ts", "test/netns/**", "node_modules/**"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "netns",
          include: ["test/netns/**/*.test.ts"],
          globalSetup: "test/folder.ts",
          // They wait more than they work, so that two take half the time even on two cores; with
          // more, those that measure time would fail. Namespaces are named by the process.
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
