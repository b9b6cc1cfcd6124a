// node endpoint.mjs SERVICE: offers a network service, until SIGTERM; SIGUSR2 gives its clients a route more.
import { Failure, serveEndpoint } from 'vwire/endpoint';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const endpoint = await serveEndpoint({
  service: process.argv[2] ?? 'example',
  pools: ['172.16.1.0/24', '2001:db8::/64'],
  routes: ['10.10.0.0/16'],
  waitMs: 60_000,
  onRequest: ({ labels }) => {
    if (labels.app !== 'client')
      throw new Failure('denied', `Label app is '${labels.app}': allowed is 'client'`);
  },
  onClose: ({ labels }) => console.log('closed', labels.app),
  signal: stop.signal,
});
console.log('serving', endpoint.name);
process.on('SIGUSR2', () => endpoint.update({ routes: ['10.10.0.0/16', '10.20.0.0/16'] }));
