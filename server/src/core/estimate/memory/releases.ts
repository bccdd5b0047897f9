import { isOlder } from '../../run/sources';
import type { TrainingRun } from '../../run/training-run';
import type { Facts } from './facts';

type Releases = Pick<Facts, 'savesQuantisedInputs' | 'loadsAllKernels' | 'zeroesGradients' | 'reducesInOwnType'>;

/** What old releases do otherwise; a release that is not known is taken to be a recent one. */
export function readReleases({ frameworks, quantization, sharding }: TrainingRun): Releases {
  const isZero = sharding.known && sharding.value.kind === 'zero';
  return {
    savesQuantisedInputs: quantization !== undefined && isOlder(frameworks.bitsandbytes, '0.43.2'),
    loadsAllKernels: isOlder(frameworks.torch, '1.13'),
    zeroesGradients: !isZero && isOlder(frameworks.torch, '2.0'),
    reducesInOwnType: !isOlder(frameworks.deepspeed, '0.9.2'),
  };
}
