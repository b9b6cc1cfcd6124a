import { tmpdir } from 'node:os';

// One transform for both projects; the cache lives outside the tree, per user, so that a root run
// leaves nothing behind that a later unprivileged run cannot read.
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  cacheDirectory: `${tmpdir()}/vwire-jest-${process.getuid()}`,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

export default {
  // For a machine that is busy with something else; a healthy test takes a fraction.
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/scripts/tally.mjs'],
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{src,loader,maps,scripts}/**/*.test.ts', '<rootDir>/scripts/**/*.test.mjs'],
    },
    {
      ...base,
      displayName: 'root',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['<rootDir>/test/vm/'],
    },
    // What other kernels might refuse: the programs by themselves, and what is written for VMs.
    { ...base, displayName: 'vm', testMatch: ['<rootDir>/test/{bpf,vm}/**/*.test.ts'] },
  ],
};
