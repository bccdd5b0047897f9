import { describe, expect, it } from 'vitest';
import type { Write } from '../../../server/src/core/moves/move';
import { editsTo, makeWrites } from '../../../server/src/core/moves/written';
import { applyEdits } from '../../../server/src/core/text/edit';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const path = `${ROOT}/train.sh`;

/** The script with the marked flag written anew; `‸` marks a place where there is none. */
function written(marked: string, key: string, value: unknown): string | undefined {
  const start = marked.search(/[⟦‸]/);
  const end = marked.includes('⟧') ? marked.indexOf('⟧') - 1 : start;
  const text = marked.replace(/[⟦⟧‸]/g, '');
  const workspace = memoryWorkspace({ 'train.sh': text });
  const write: Write = { path, key, value, at: { start, end } };
  const made = makeWrites(workspace, [write]);
  return made && applyEdits(text, editsTo(workspace, made));
}

describe('a flag of a launch line', () => {
  it.each([
    ['torchrun t.py ⟦--batch 8⟧ --x 1\n', '--batch', 4, 'torchrun t.py --batch 4 --x 1\n'],
    ['torchrun t.py ⟦--batch=8⟧\n', '--batch', 4, 'torchrun t.py --batch=4\n'],
    [
      'torchrun t.py \\\n  ⟦--batch \\\n  8⟧ \\\n  --x 1\n',
      '--batch',
      4,
      'torchrun t.py \\\n  --batch \\\n  4 \\\n  --x 1\n',
    ],
    [
      'torchrun t.py ⟦--checkpointing⟧ --x 1\n',
      '--checkpointing',
      false,
      'torchrun t.py --checkpointing False --x 1\n',
    ],
    ['torchrun t.py‸ --x 1\n', '--checkpointing', true, 'torchrun t.py --checkpointing True --x 1\n'],
    [
      'torchrun t.py ⟦--fsdp "full_shard auto_wrap"⟧\n',
      '--fsdp',
      'shard_grad_op auto_wrap',
      'torchrun t.py --fsdp "shard_grad_op auto_wrap"\n',
    ],
    ['torchrun t.py ⟦--fp16 True⟧ --x 1\n', '--fp16', undefined, 'torchrun t.py --x 1\n'],
  ])('%j', (script, key, value, expected) => {
    expect(written(script, key, value)).toBe(expected);
  });

  it('is not written where the value could mean something to the shell', () => {
    expect(written('torchrun t.py ⟦--name a⟧\n', '--name', 'a; rm b')).toBeUndefined();
    expect(written('torchrun t.py ⟦--name a⟧\n', '--name', '$(b)')).toBeUndefined();
  });

  it('changes nothing where it already says so', () => {
    const workspace = memoryWorkspace({ 'train.sh': 't --batch 8\n' });
    const made = makeWrites(workspace, [{ path, key: '--batch', value: 8, at: { start: 2, end: 11 } }]);
    expect(made?.changes).toEqual([]);
  });
});
