import { createRequire } from "node:module";

// Every file of tests is started with this module. Node's test runner follows each promise of a test
// with an async hook, so that it can name the test if an error is thrown outside of it. In our tests,
// which mostly wait for databases, that takes up to two fifths of the processor time. Without the hook such
// an error still fails the file; only the name of the test is missing.

const asyncHooks = createRequire(import.meta.url)("node:async_hooks");
const ignored = {
  enable: () => ignored,
  disable: () => ignored,
};
asyncHooks.createHook = () => ignored;
