import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../pods.ts';
import { devicesOf, ping, routesOf, SdkPlace, untilAsync } from './place.ts';

let place: SdkPlace;
beforeAll(async () => {
  place = new SdkPlace();
  await place.start();
});
afterAll(() => place.close());

test('the examples: a service is offered and asked for, changed, kept, and taken down', async () => {
  const [red, blue] = [place.pods.make('red'), place.pods.make('blue')];
  const endpoint = place.program(red, 'docs/examples/endpoint.mjs', {}, 'intranet');
  await endpoint.says(/serving intranet-/);
  const client = place.program(blue, 'docs/examples/client.mjs', { NSM_NAME: 'blue-app' }, 'intranet');
  await client.says('up example0 172.16.1.1/32 2001:db8::1/128');
  ping(place.pods, blue, '172.16.1.0', '2001:db8::');
  ping(place.pods, red, '172.16.1.1', '2001:db8::1');
  expect(routesOf(blue, 'example0')).toContain('10.10.0.0/16');

  endpoint.signal('SIGUSR2');
  await client.says('changed');
  await eventually(() => {
    expect(routesOf(blue, 'example0')).toContain('10.20.0.0/16');
  });

  await place.agent.kill();
  ping(place.pods, blue, '172.16.1.0');
  const agent = await place.start();
  ping(place.pods, blue, '172.16.1.0');
  await untilAsync(async () => (await agent.client.endpoints.list()).length === 1);

  client.signal('SIGTERM');
  expect(await client.ended).toBe(0);
  await endpoint.says('closed client');
  expect(devicesOf(blue)).toEqual(['lo']);
  expect(devicesOf(red)).toEqual(['lo']);

  endpoint.signal('SIGTERM');
  expect(await endpoint.ended).toBe(0);
  expect(await agent.client.endpoints.list()).toEqual([]);
}, 120_000);
