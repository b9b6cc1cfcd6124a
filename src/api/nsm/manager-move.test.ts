import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { again, Cast, request } from '../../../test/nsm/cast.ts';
import { Failure } from '../../features/failure.ts';
import type { NetworkServiceRequest } from './proto/networkservice_pb.ts';

let cast: Cast;
beforeEach(() => {
  cast = new Cast();
});
afterEach(() => {
  cast.close();
});

describe('a request', () => {
  describe('for another endpoint than it has', () => {
    const elsewhere = async (): Promise<NetworkServiceRequest> => {
      const asked = again(await cast.manager.request(request(), cast.call()));
      if (asked.connection) asked.connection.networkServiceEndpointName = 'spare';
      return asked;
    };

    test('leaves the one before it when the wire is moved', async () => {
      const asked = await elsewhere();
      const open = cast.wires.hold();
      const moving = cast.manager.request(asked, cast.call());
      await cast.settled();
      expect([cast.calls('moveSide').length, cast.gateway.closed.length]).toEqual([1, 0]);
      open();
      await moving;
      expect(cast.gateway.closed).toMatchObject([{ networkServiceEndpointName: 'gateway' }]);
      expect(cast.manager.list()).toMatchObject([{ endpoint: 'spare' }]);
    });

    test('that refuses keeps the one it has', async () => {
      const asked = await elsewhere();
      cast.spare.answers = false;
      await expect(cast.manager.request(asked, cast.call())).rejects.toThrow('nobody answers');
      expect([cast.gateway.closed, cast.spare.closed]).toEqual([[], []]);
      expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
      // It is known again where it is.
      cast.healer.endpointGone('gateway', 'its stream ended');
      await cast.settled();
      cast.healer.endpointBack('gateway');
      await cast.settled();
      expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    });

    test('whose side cannot be made keeps the one it has, and tells the other', async () => {
      const asked = await elsewhere();
      cast.wires.failNext(new Failure('refused', 'taken', { field: 'right.name' }));
      await expect(cast.manager.request(asked, cast.call())).rejects.toThrow('taken');
      expect(cast.gateway.closed).toEqual([]);
      const [closed] = cast.spare.closed;
      expect(closed).toMatchObject({
        mechanism: { parameters: { name: 'spare-1' } },
        path: { pathSegments: [{ name: 'client' }, { name: 'vwire' }, { name: 'spare', id: 'e-1' }] },
      });
      const [{ id } = { id: '' }] = cast.manager.list();
      await cast.manager.close(id);
      expect([cast.gateway.closed.length, cast.spare.closed.length]).toEqual([1, 1]);
    });
  });

  test('for another name moves the client’s side, and a refusal leaves what the connection knows of its wire', async () => {
    const first = await cast.manager.request(request(), cast.call());
    const other = again(first);
    if (other.connection?.mechanism) other.connection.mechanism.parameters.name = 'nsm-2';
    cast.wires.failNext(new Failure('refused', 'taken', { field: 'left.name', value: 'nsm-2' }));
    await expect(cast.manager.request(other, cast.call())).rejects.toThrow('taken');
    await cast.manager.request(again(first), cast.call());
    expect([cast.calls('moveSide').length, cast.calls('update').length]).toEqual([1, 1]);
    await cast.manager.request(other, cast.call());
    expect(cast.calls('moveSide')).toMatchObject([{ side: 'left' }, { side: 'left', to: { name: 'nsm-2' } }]);
    expect([cast.calls('add').length, cast.calls('remove').length]).toEqual([1, 0]);
  });
});
