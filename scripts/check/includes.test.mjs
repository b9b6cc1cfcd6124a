import { describe, expect, test } from '@jest/globals';
import includes from './includes.mjs';
import { treeOf } from './tree.mjs';

const headers = {
  'maps/hops.h': '',
  'maps/node.h': '',
  'bpf/lib/parse.h': '',
  'bpf/tc_hop/body.h': '',
  'bpf/xdp_hop/body.h': '',
  'loader/relay/packet.h': '',
};
const check = (file, line) =>
  includes.check(treeOf({ ...headers, [file]: `${line}\n` })).map(({ message }) => message);

describe('includes', () => {
  test.each([
    ['bpf/tc_hop/tc_hop.bpf.c', '#include <linux/bpf.h>'],
    ['bpf/tc_hop/tc_hop.bpf.c', '#include "maps/hops.h"'],
    ['bpf/tc_hop/tc_hop.bpf.c', '#include "../../maps/hops.h"'],
    ['bpf/tc_hop/tc_hop.bpf.c', '#include "lib/parse.h"'],
    ['bpf/tc_hop/tc_hop.bpf.c', '#include "body.h"'],
    ['bpf/lib/count.h', '#include "parse.h"'],
    ['maps/layouts.bpf.c', '# include "hops.h"'],
    ['maps/drops.h', '#include "hops.h"'],
    ['loader/relay/relay.main.c', '#include "packet.h"'],
    ['test/traffic/flood.main.c', '#include "loader/relay/packet.h"'],
  ])('%s: %s', (file, line) => {
    expect(check(file, line)).toEqual([]);
  });

  test.each([
    [
      'bpf/tc_hop/tc_hop.bpf.c',
      '#include "../xdp_hop/body.h"',
      /bpf\/xdp_hop\/body.h.*belongs into bpf\/lib/,
    ],
    ['bpf/tc_hop/tc_hop.bpf.c', '#include "loader/relay/packet.h"', /maps\/\*\.h or bpf\/lib only/],
    ['bpf/lib/count.h', '#include "tc_hop/body.h"', /into bpf\/lib/],
    ['maps/drops.h', '#include "bpf/lib/parse.h"', /headers of maps\/ only/],
    ['loader/relay/relay.main.c', '#include "maps/hops.h"', /control socket/],
    ['src/net/fast.c', '', /C code lives in/],
  ])('%s refuses %s', (file, line, expected) => {
    expect(check(file, line)).toEqual([expect.stringMatching(expected)]);
  });
});
