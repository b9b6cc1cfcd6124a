import { methodOf } from '../method.ts';
import { Agent, Wires } from './vwire/v1/vwire_pb.ts';

/** Every method of this api. */
export const methods = {
  add: methodOf(Wires.method.add),
  update: methodOf(Wires.method.update),
  remove: methodOf(Wires.method.remove),
  list: methodOf(Wires.method.list),
  watch: methodOf(Wires.method.watch),
  status: methodOf(Agent.method.status),
};
