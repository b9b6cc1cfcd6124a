import type { Table } from './shell/verb.ts';

/** The command line. A new verb is one file and one line here; help and completion follow. */
export const table: Table = {
  groups: {
    wire: 'Wires between two namespaces',
    endpoint: 'Who offers network services',
    service: 'Network services, and which endpoints their clients get',
  },
  rows: [
    {
      path: ['agent'],
      summary: 'Run the agent of this node',
      load: async () => (await import('./agent.ts')).agent,
    },
    {
      path: ['request'],
      summary: 'Ask for a network service',
      load: async () => (await import('./request.ts')).request,
    },
    {
      path: ['close'],
      summary: 'Close connections',
      load: async () => (await import('./close.ts')).close,
    },
    { path: ['ls'], summary: 'List connections and wires', load: async () => (await import('./ls.ts')).ls },
    {
      path: ['inspect'],
      summary: 'Show everything about one connection or wire',
      load: async () => (await import('./inspect.ts')).inspect,
    },
    {
      path: ['explain'],
      summary: 'Tell the whole story of a connection or wire, and what is wrong',
      load: async () => (await import('./explain.ts')).explain,
    },
    {
      path: ['watch'],
      summary: 'Follow what happens to connections and wires',
      load: async () => (await import('./watch.ts')).watch,
    },
    {
      path: ['top'],
      summary: 'Show what wires forward and drop per second',
      load: async () => (await import('./top.ts')).top,
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
    { path: ['wire', 'ls'], summary: 'List wires', load: async () => (await import('./wire-ls.ts')).wireLs },
    {
      path: ['endpoint', 'add'],
      summary: 'Offer a network service from a namespace',
      load: async () => (await import('./endpoint-add.ts')).endpointAdd,
    },
    {
      path: ['endpoint', 'update'],
      summary: 'Change an endpoint and what its clients have of it',
      load: async () => (await import('./endpoint-update.ts')).endpointUpdate,
    },
    {
      path: ['endpoint', 'rm'],
      summary: 'Remove endpoints',
      load: async () => (await import('./endpoint-rm.ts')).endpointRm,
    },
    {
      path: ['endpoint', 'ls'],
      summary: 'List endpoints',
      load: async () => (await import('./endpoint-ls.ts')).endpointLs,
    },
    {
      path: ['service', 'put'],
      summary: 'Make or replace network services',
      load: async () => (await import('./service-put.ts')).servicePut,
    },
    {
      path: ['service', 'rm'],
      summary: 'Remove network services',
      load: async () => (await import('./service-rm.ts')).serviceRm,
    },
    {
      path: ['service', 'ls'],
      summary: 'List network services',
      load: async () => (await import('./service-ls.ts')).serviceLs,
    },
    {
      path: ['log-level'],
      summary: 'Show what each subsystem of the agent logs, or change it',
      load: async () => (await import('./log-level.ts')).logLevel,
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
