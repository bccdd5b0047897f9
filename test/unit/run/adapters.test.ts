import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

function adaptersOf(more: string) {
  const { lora } = join({ 'train.yaml': trainer(`use_peft: true\n${more}`) }).run;
  if (!lora?.known) throw new Error('no adapters');
  return lora.value;
}

describe('adapters', () => {
  it("are DoRA's where the file says so, and LoRA's without", () => {
    expect(told(adaptersOf('use_dora: true\n').dora)).toBe(true);
    expect(told(adaptersOf('').dora)).toBe(false);
    expect(told(adaptersOf('use_dora: "{{ dora }}"\n').dora)).toMatch(/^unknown/);
  });

  it('of rank-stabilised LoRA are as large as those of LoRA', () => {
    expect(told(adaptersOf('use_rslora: true\nlora_r: 32\n').rank)).toBe(told(adaptersOf('lora_r: 32\n').rank));
  });

  it('of another kind have no rank that is known', () => {
    expect(told(adaptersOf('peft_type: IA3\n').rank)).toMatch(/^unknown: IA3 is not counted/);
    expect(told(adaptersOf('peft_type: LORA\nlora_r: 4\n').rank)).toBe(4);
  });
});
