import type { Model } from '../../models/model';
import type { Assumption } from '../estimate';
import type { Corner } from './facts';

/**
 * State spaces and gated delta nets run on kernels of packages that no config names. They are taken as installed; transformers' own
 * code for them keeps more (integrations/hub_kernels.py:990 `use_kernel_func_from_hub_with_fallback`, 5.23), and where that was
 * recorded too the band reaches to it.
 */
export function withKernels(model: Model, corner: Corner, note: (assumption: Assumption) => void): Model {
  const { recorded } = model;
  if (recorded?.kernels === undefined) return model;
  const without =
    recorded.plain === undefined ? 'keeps more and was not counted' : 'keeps more, to which the band reaches';
  note({
    what: 'kernels',
    value: `${recorded.kernels} are installed`,
    because: `no file says so; transformers' own code, which runs without them, ${without}`,
  });
  return corner === 'high' && recorded.plain !== undefined ? { ...model, recorded: recorded.plain } : model;
}
