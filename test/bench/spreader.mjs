// The experiment `spread`: receive packet steering (RPS) on a wire's host ends. By itself the sender's CPU
// carries a packet through both devices into the far socket; with RPS it leaves it at the host end, and
// another CPU takes it from there. That helps while the other CPU has time, and hurts when it has not: then
// what the sender would have waited for piles up at the CPU that has to read it too. So this looks at the
// load every few milliseconds, tries where it may help, keeps what is better and stops where it got worse.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';

const PERIOD_MS = 25;
/** Fewer packets a second keep no CPU busy. */
const MANY = 60_000;
/** Bytes of a packet, as it travels: what is larger costs its copying, which the reader does anyway. */
const SMALL = 400;
/** Of its time that another CPU must have left before it is given work. */
const IDLE = 0.25;
/** How much more must get through for it to stay. */
const BETTER = 1.1;
const BEFORE_MS = 100;
const TRIAL_MS = 150;
/** After a trial that failed; each further one waits twice as long. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 16_000;

/** Busy and all ticks of each CPU. */
function ticks() {
  const lines = readFileSync('/proc/stat', 'utf8').match(/^cpu\d+ .*$/gm) ?? [];
  return lines.map((line) => {
    const [user, nice, system, idle, iowait, irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
    const busy = user + nice + system + irq + softirq + steal;
    return { busy, all: busy + idle + iowait };
  });
}

/** What went through in one direction, since the last look, per second. */
class Rate {
  #before = null;

  look(count, at) {
    const before = this.#before;
    this.#before = { ...count, at };
    if (before === null || at === before.at) return null;
    const seconds = (at - before.at) / 1000;
    const packets = Number(count.packets - before.packets);
    return {
      packets: packets / seconds,
      size: packets === 0 ? 0 : Number(count.bytes - before.bytes) / packets,
      // Not to the last one: the counters are read while they are added to.
      whole: Number(count.segments - before.segments) < packets * 1.1,
    };
  }
}

/**
 * One host end: `steer(mask)` sets the CPUs that take over what comes in there, 0 none. `look` tells it every
 * PERIOD_MS what left it so far {packets, segments, bytes}, when that is, and which CPU has most time left.
 */
export class End {
  #steer;
  #rate = new Rate();
  #state = { name: 'off', since: 0, pause: PAUSE_MS, until: 0, samples: [], misfits: 0 };
  decisions = [];

  constructor(steer) {
    this.#steer = steer;
    steer(0);
  }

  #go(name, at, more) {
    this.#state = { ...this.#state, name, since: at, samples: [], misfits: 0, ...more };
    this.decisions.push({ at: Math.round(at), name, ...more });
  }

  #off(at, pause) {
    this.#steer(0);
    this.#go('off', at, { until: at + pause, pause: Math.min(2 * pause, LONGEST_PAUSE_MS) });
  }

  look(count, at, idlest) {
    const rate = this.#rate.look(count, at);
    if (rate === null) return;
    const state = this.#state;
    state.samples = [...state.samples.slice(-15), rate.packets];
    const mean = state.samples.reduce((sum, each) => sum + each, 0) / state.samples.length;
    const fits = rate.packets >= MANY && rate.size <= SMALL && rate.whole;
    state.misfits = fits ? 0 : state.misfits + 1;
    switch (state.name) {
      case 'off':
        if (!fits) state.samples = [];
        if (!fits || at < state.until || at - state.since < BEFORE_MS || idlest.idle < IDLE) return;
        if (state.samples.length * PERIOD_MS < BEFORE_MS) return;
        this.#steer(1 << idlest.cpu);
        this.#go('trial', at, { cpu: idlest.cpu, before: mean });
        return;
      case 'trial':
        // The first looks still see what was under way.
        if (at - state.since < TRIAL_MS) return;
        if (fits && mean >= state.before * BETTER) this.#go('on', at, { pause: PAUSE_MS });
        else this.#off(at, state.pause);
        return;
      case 'on':
        // Traffic of another kind; or overload, so that less gets through than before.
        if (state.misfits >= 2) this.#off(at, 0);
        else if (state.samples.length >= 4 && Math.max(...state.samples.slice(-4)) < state.before)
          this.#off(at, state.pause);
    }
  }

  stop() {
    this.#steer(0);
  }
}

/**
 * Starts spreading one wire. `hosts` are its host ends in the order of the directions that leave them,
 * `forwarded()` what the wire's counters say, one per direction; `sysfs` shows the namespace's devices.
 * Returns `stop()`, which gives the decisions.
 */
export function spread(hosts, forwarded, sysfs) {
  const ends = hosts.map(
    (host) =>
      new End((mask) => {
        writeFileSync(`${sysfs}/class/net/${host}/queues/rx-0/rps_cpus`, mask.toString(16));
      }),
  );
  const begun = performance.now();
  let before = ticks();
  let shares = cpus().map(() => 1);
  let looked = begun;
  const timer = setInterval(() => {
    const at = performance.now() - begun;
    // Ticks are 4 ms or 10: a share of fewer than a handful says nothing.
    if (performance.now() - looked >= 2 * PERIOD_MS) {
      const now = ticks();
      shares = now.map(({ busy, all }, cpu) => {
        const passed = all - before[cpu].all;
        return passed === 0 ? 0 : 1 - (busy - before[cpu].busy) / passed;
      });
      before = now;
      looked = performance.now();
    }
    const idlest = shares.reduce((best, idle, cpu) => (idle > best.idle ? { cpu, idle } : best), {
      cpu: 0,
      idle: -1,
    });
    forwarded().forEach((count, i) => ends[i].look(count, at, idlest));
  }, PERIOD_MS);
  return {
    stop: () => {
      clearInterval(timer);
      for (const end of ends) end.stop();
      return ends.map(({ decisions }) => decisions);
    },
  };
}
