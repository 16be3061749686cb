import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const dist = fileURLToPath(new URL("./dist/", import.meta.url));
const LONG = "test/**/*.long.test.ts";

// Tests run what is shipped: an import of src/x.js is served from dist/x.js (worker threads load from there too).
export default defineConfig({
  resolve: { alias: [{ find: /^(?:\.\.\/)+src\/(.*)$/, replacement: `${dist}$1` }] },
  test: {
    server: { deps: { external: [/\/dist\//] } },
    pool: "forks",
    // A test that reaches no assertion cannot fail.
    expect: { requireAssertions: true },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // `npm test` runs the short ones. `npm run test:all` runs the long ones: whole campaigns in every variant, every example
    // of the docs, kills at every stage.
    projects: [
      { extends: true, test: { name: "short", include: ["test/**/*.test.ts"], exclude: [LONG] } },
      { extends: true, test: { name: "long", include: [LONG] } },
    ],
  },
});
