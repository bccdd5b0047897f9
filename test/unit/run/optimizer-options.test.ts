import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

const ZERO = (more: string) => `{ "zero_optimization": { "stage": 2${more} }, "optimizer": `;

describe('what an optimizer is given beside its name', () => {
  it('comes from optim_args, parsed as the Trainer does', () => {
    const optimizer = (text: string) => join({ 'train.yaml': trainer(text) }).run.optimizer;
    const { options, targets } = optimizer('optim: galore_adamw\noptim_args: "rank = 64, scale=0.5"\n');
    expect([told(options), told(targets)]).toEqual([{ rank: '64', scale: '0.5' }, undefined]);
    expect(told(optimizer('optim: sgd\noptim_args: "momentum: 0.9"\n').options)).toMatch(/^unknown: optim_args is not/);
    expect(told(optimizer('optim: sgd\noptim_args: "{{ args }}"\n').options)).toMatch(/^unknown/);
    expect(told(optimizer('optim_target_modules: all-linear\n').targets)).toBe('all-linear');
    expect(told(optimizer('optim_target_modules: [attn, mlp]\n').targets)).toEqual(['attn', 'mlp']);
    expect(optimizer('optim: sgd\n').options).toBeUndefined();
  });

  it("comes from DeepSpeed's params where DeepSpeed builds it", () => {
    const ds = `${ZERO('')}{ "type": "SGD", "params": { "lr": 0.1, "momentum": 0.9 } } }`;
    const { optimizer } = join({ 'ds.json': ds, 'train.yaml': trainer('deepspeed: ds.json\noptim_args: "a=1"\n') }).run;
    expect(told(optimizer.options)).toEqual({ lr: '0.1', momentum: '0.9' });
  });

  it('is lost where Accelerate puts the CPU kernel in place', () => {
    const ds = '{ "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }';
    const files = {
      'train.yaml': trainer('deepspeed: ds.json\noptim: sgd\noptim_args: "momentum=0.9"\n'),
      'ds.json': ds,
    };
    const { optimizer } = join(files).run;
    expect([told(optimizer.name), optimizer.options]).toEqual(['adamw', undefined]);
  });
});
