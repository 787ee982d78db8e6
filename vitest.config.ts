// The test projects: `tidy` reads the sources, `unit` needs nothing but Node,
// `netns` and `netns-alone` need root and Debian packages, `web` needs Chromium as well.
import { defineConfig } from "vitest/config";

/** Systems tests that flood, or measure what others beside them would disturb. */
const alone = [
  "api-hostile",
  "flood",
  "hostile",
  "llq",
  "metrics",
  "querier",
  "sessions",
  "shortage",
  "timing",
].map((name) => `test/netns/${name}.test.ts`);

/**
 * Real programs are started and waited for. A machine that stands still for seconds is no fault of
 * discd: a test that fails has a second try, and `npm test` names those that needed it.
 */
const systems = {
  globalSetup: "test/folder.ts",
  retry: 1,
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

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
          ...systems,
          name: "netns",
          include: ["test/netns/**/*.test.ts"],
          exclude: alone,
          // Mostly they wait. Each file has namespaces of its own.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...systems,
          name: "netns-alone",
          include: alone,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...systems,
          name: "web",
          include: ["test/web/browser/**/*.test.ts"],
          // One browser at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});
