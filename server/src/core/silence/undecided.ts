import type { Estimate } from '../estimate/estimate';
import { runRules } from '../rules/engine';
import type { Rule } from '../rules/rule';
import type { RulesInput } from '../rules-support/context';
import type { RunOutline } from '../run/training-run';

/** Facts that change from one command line to the next: what is checked for one machine is also run on another. */
const MACHINE: ReadonlySet<string> = new Set(['cluster', 'worldSize', 'nodes', 'gpusPerNode']);

/**
 * Whether a rule that finds nothing could find something with other facts: it looked at the machine, at the estimate, or at a fact that
 * is not known here. The rule is run again, on a run that notices what is looked at; this happens only for comments that look unused.
 */
export function isUndecided(rule: Rule, input: RulesInput): boolean {
  let looked = false;
  const notice = () => {
    looked = true;
  };
  runRules([rule], {
    ...input,
    run: watched(input.run, notice),
    wholeRun: () => watched(input.wholeRun(), notice),
    estimate: (): Estimate => {
      notice();
      return input.estimate();
    },
  });
  return looked;
}

/** The same facts, noticing when an unknown one or one of the machine is looked at. */
function watched<R extends RunOutline>(run: R, notice: () => void): R {
  const made = new WeakMap<object, object>();
  const watch = <T extends object>(facts: T): T => {
    const known = made.get(facts);
    if (known) return known as T;
    const proxy = new Proxy(facts, {
      get(target, key, receiver) {
        const value: unknown = Reflect.get(target, key, receiver);
        if (key === 'known' && value === false) notice();
        if (target === (run as object) && MACHINE.has(String(key))) notice();
        // Releases and variables that nobody states are not there at all.
        if (value === undefined && (target === run.frameworks || target === run.environment)) notice();
        // Configs are compared by identity, and hold no facts of their own.
        return key !== 'configs' && isPlain(value) ? watch(value) : value;
      },
    });
    made.set(facts, proxy);
    return proxy;
  };
  return watch(run);
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
