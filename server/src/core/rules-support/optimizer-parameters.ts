/** What constructors of optimizers take, read from their signatures (torch 2.7 and 2.15, DeepSpeed 0.16.9 and 0.19.8). */
const TORCH: Readonly<Record<string, string>> = {
  ASGD: 'lr lambd alpha t0 weight_decay foreach maximize differentiable capturable',
  Adadelta: 'lr rho eps weight_decay foreach capturable maximize differentiable',
  Adafactor: 'lr beta2_decay eps d weight_decay foreach maximize',
  Adagrad: 'lr lr_decay weight_decay initial_accumulator_value eps foreach maximize differentiable fused',
  Adam: 'lr betas eps weight_decay amsgrad foreach maximize capturable differentiable fused decoupled_weight_decay',
  AdamW: 'lr betas eps weight_decay amsgrad maximize foreach capturable differentiable fused',
  Adamax: 'lr betas eps weight_decay foreach maximize differentiable capturable',
  LBFGS: 'lr max_iter max_eval tolerance_grad tolerance_change history_size line_search_fn maximize',
  Muon: 'lr weight_decay momentum nesterov ns_coefficients eps ns_steps adjust_lr_fn',
  NAdam: 'lr betas eps weight_decay momentum_decay decoupled_weight_decay foreach maximize capturable differentiable',
  RAdam: 'lr betas eps weight_decay decoupled_weight_decay foreach maximize capturable differentiable',
  RMSprop: 'lr alpha eps weight_decay momentum centered capturable foreach maximize differentiable',
  Rprop: 'lr etas step_sizes capturable foreach maximize differentiable',
  SGD: 'lr momentum dampening weight_decay nesterov maximize foreach differentiable fused',
  SparseAdam: 'lr betas eps maximize',
};

const FUSED_ADAM = 'lr bias_correction betas eps weight_decay amsgrad set_grad_none';
const CPU_ADAM = 'lr bias_correction betas eps weight_decay amsgrad fp32_optimizer_states';
/** Read by the engine before the constructor sees them (deepspeed/runtime/engine.py:1400 0.16.9). */
const ENGINE = 'torch_adam adam_w_mode';

/**
 * The parameters an optimizer of DeepSpeed or torch takes, or undefined where that is not known (MuP's, Muon, which drops what it does not know, and the
 * 1-bit family, which ZeRO refuses). `name` is as `optimizerOf` gives it; `offloaded`: the states live on the host.
 */
export function parametersOf(name: string, offloaded: boolean, torchAdam: boolean): readonly string[] | undefined {
  const words = wordsOf(name, offloaded, torchAdam);
  return words?.split(' ');
}

function wordsOf(name: string, offloaded: boolean, torchAdam: boolean): string | undefined {
  switch (name) {
    case 'adam':
    case 'adamw':
      if (torchAdam) return `${TORCH.AdamW} ${ENGINE}`;
      return `${offloaded ? CPU_ADAM : FUSED_ADAM} ${ENGINE}`;
    case 'adagrad':
      return offloaded ? 'lr eps weight_decay amsgrad fp32_optimizer_states' : TORCH.Adagrad;
    case 'lion':
      return offloaded ? 'lr betas weight_decay fp32_optimizer_states' : 'lr betas weight_decay set_grad_none';
    case 'lamb':
      return 'lr bias_correction betas eps eps_inside_sqrt weight_decay max_coeff min_coeff amsgrad';
    default:
      return Object.hasOwn(TORCH, name) ? TORCH[name] : undefined;
  }
}
