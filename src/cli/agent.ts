import { ReadyFile } from './ready-file.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, text, texts, toggle } from './shell/verb.ts';

/** How long calls at work may take once the agent is told to stop. */
const graceMs = 5_000;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });

export const agent: Verb = {
  details:
    'Logs JSON on stdout and says "ready" when it answers. SIGTERM or Ctrl-C stops it and leaves every wire ' +
    'forwarding; the next agent of the instance takes them over.',
  positionals: [],
  flags: [
    toggle('allow-host-netns', "Let wires end in this machine's own namespace"),
    text('orphan-grace', 'TIME', 'Remove what nobody asks for after this long (default: 60s)'),
    text('max-wires', 'N', 'Refuse more wires than this (default: 65536)'),
    text('ready-file', 'FILE', 'Write this file, with the pid, once the agent answers', 'file'),
    texts(
      'listen',
      'URL',
      'Where workloads ask: unix:///PATH or tcp://ADDRESS:PORT (default: workload/agent.sock of the instance)',
    ),
    texts('trust', 'UID', 'Let processes of this user, outside of pods, name any network namespace'),
    text('heal-grace', 'TIME', 'Keep interfaces this long when their endpoint is gone (default: 30s)'),
    text('max-connections', 'N', 'Refuse more connections than this (default: as many as wires)'),
    text(
      'max-connections-per-netns',
      'N',
      'Refuse more connections than this of clients in one network namespace (default: 1000)',
    ),
    text('tls-cert', 'FILE', 'Certificate for tcp://, PEM', 'file'),
    text('tls-key', 'FILE', 'Its private key, PEM', 'file'),
    text('tls-ca', 'FILE', 'Callers on tcp:// must show a certificate of it, PEM', 'file'),
  ],
  run: async ({ given, settings, io, sources }) => {
    // Only this verb pays for these.
    const [{ agentOptionsOf }, { LogLevels }, { withoutSecrets }, heap, api, { pino }] = await Promise.all([
      import('./agent-options.ts'),
      import('../log-levels.ts'),
      import('../log-secrets.ts'),
      import('../heap-growth.ts'),
      import('../api/admin/server.ts'),
      import('pino'),
    ]);
    const { log, readyFile, ...config } = agentOptionsOf(given, settings);
    const root = pino(
      {
        base: { pid: process.pid, instance: config.instance },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      {
        write: (line) => {
          io.out(withoutSecrets(line));
        },
      },
    );
    const logs = new LogLevels(root, log);
    const logger = logs.of('agent');
    // Asked for before anything starts, so that no signal meets a half-started agent.
    const stop = io.until('SIGTERM', 'SIGINT');
    const ready = readyFile === null ? null : new ReadyFile(readyFile);
    heap.boundHeapGrowth('starting');
    const running = await sources.startAgent({ ...config, logs });
    try {
      const socketPath = api.adminSocketPath(config.runDir, config.instance);
      const admin = await api.serveAdmin(running, socketPath, logs.of('admin'));
      try {
        heap.boundHeapGrowth('running');
        heap.stopYoungHeapGrowth();
        ready?.write();
        logger.info({ socket: socketPath }, 'ready');
        await aborted(stop);
        logger.info({ signal: String(stop.reason) }, 'stopping, wires go on forwarding');
      } finally {
        ready?.remove();
        await admin.close(graceMs);
      }
    } finally {
      await running.stop();
    }
    logger.info('stopped');
    return exitCodes.ok;
  },
};
