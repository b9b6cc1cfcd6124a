import type { Table } from './shell/verb.ts';

/** The command line. A new verb is one file and one line here; help and completion follow. */
export const table: Table = {
  groups: { wire: 'Wires between two namespaces' },
  rows: [
    {
      path: ['agent'],
      summary: 'Run the agent of this node',
      load: async () => (await import('./agent.ts')).agent,
    },
    {
      path: ['wire', 'add'],
      summary: 'Join two namespaces by a wire',
      load: async () => (await import('./wire-add.ts')).wireAdd,
    },
    {
      path: ['wire', 'update'],
      summary: 'Change a wire',
      load: async () => (await import('./wire-update.ts')).wireUpdate,
    },
    {
      path: ['wire', 'rm'],
      summary: 'Remove wires',
      load: async () => (await import('./wire-rm.ts')).wireRm,
    },
    { path: ['wire', 'ls'], summary: 'List wires', load: async () => (await import('./ls.ts')).ls },
    { path: ['ls'], summary: 'List wires', load: async () => (await import('./ls.ts')).ls },
    {
      path: ['inspect'],
      summary: 'Show everything about one wire',
      load: async () => (await import('./inspect.ts')).inspect,
    },
    {
      path: ['explain'],
      summary: 'Tell how a wire forwards, why so, and what is wrong',
      load: async () => (await import('./explain.ts')).explain,
    },
    {
      path: ['watch'],
      summary: 'Follow what happens to wires',
      load: async () => (await import('./watch.ts')).watch,
    },
    {
      path: ['doctor'],
      summary: 'Check what this machine can do',
      load: async () => (await import('./doctor.ts')).doctor,
    },
    {
      path: ['demo'],
      summary: 'Show what a wire is, in namespaces of its own',
      load: async () => (await import('./demo.ts')).demo,
    },
    {
      path: ['completion'],
      summary: 'Print the completion script of a shell',
      load: async () => (await import('./completion.ts')).completion,
    },
  ],
};
