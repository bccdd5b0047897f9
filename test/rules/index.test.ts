import { describe, expect, it } from 'vitest';
import { rules } from '../../server/src/core/rules/index';

describe('the rules', () => {
  it('have ids of their own', () => {
    const ids = rules.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('are errors only where a framework line enforces them', () => {
    const unsupported = rules.filter(
      ({ severity, source }) => severity === 'error' && !source.some((s) => /:\d+/.test(s)),
    );
    expect(unsupported.map(({ id }) => id)).toEqual([]);
  });
});
