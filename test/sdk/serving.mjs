// A program that serves 'lan' in its own pod and says what becomes of its connections.
import { serveEndpoint } from 'vwire/endpoint';

await serveEndpoint({
  service: 'lan',
  pools: ['172.16.1.0/24'],
  onClose: () => console.log('closed'),
  onRegistered: (lost) => console.log(lost === null ? 'registered' : 'not registered'),
});
console.log('serving');
