// Two veth pairs and a two-line program on each host end, attached by tc: a redirect with nothing around it.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileBpf } from '../../../scripts/build.mjs';
import { makeVeths, pods, removeVeths } from '../pods.mjs';
import { run } from '../process.mjs';

const source = fileURLToPath(new URL('./redirect.bpf.c', import.meta.url));
const object = fileURLToPath(new URL('../../../dist/bench/redirect.bpf.o', import.meta.url));
let compiled = false;

function compile() {
  if (compiled) return;
  mkdirSync(new URL('../../../dist/bench/', import.meta.url), { recursive: true });
  compileBpf(source, object);
  compiled = true;
}

const redirect = (name, section, remark) => ({
  name,
  remark,
  unavailable: () => null,
  up: async () => {
    compile();
    await makeVeths();
    for (const { host } of Object.values(pods)) {
      await run(['tc', 'qdisc', 'add', 'dev', host, 'clsact']);
      await run(
        `tc filter add dev ${host} ingress bpf direct-action object-file ${object} section ${section}`.split(
          ' ',
        ),
      );
    }
  },
  down: removeVeths,
});

export const tcRedirect = redirect('tc-redirect', 'tc/redirect', 'bpf_redirect and nothing else, clsact');
export const tcPeer = redirect('tc-redirect-peer', 'tc/peer', 'bpf_redirect_peer and nothing else, clsact');
