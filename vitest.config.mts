import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,rules,protocol,cli,corpus,fuzz}/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000,
  },
});
