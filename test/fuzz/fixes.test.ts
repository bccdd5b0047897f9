import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exampleFiles } from '../../server/src/core/features/rule-example';
import { rules } from '../../server/src/core/rules/index';
import { loadCatalogs } from '../../server/src/data/index';
import { exampleFolders } from '../examples';
import { type Files, fixFaults } from './fix-faults';
import { mutate, mutateMeaning, pick } from './mutate';
import { seeded } from './random';

const catalogs = loadCatalogs();

/** The examples of the repository, and the bad example of each rule: most have a fix. */
const folders: readonly Files[] = [
  ...Object.values(exampleFolders()),
  ...rules.flatMap((rule) => rule.examples.bad.map((example) => exampleFiles(rule, example))),
];

const configs = fc
  .record({ folder: fc.constantFrom(...folders), seed: fc.nat(), changes: fc.nat(3), anything: fc.boolean() })
  .map(({ folder, seed, changes, anything }) => {
    const random = seeded(seed);
    const files: Record<string, string> = { ...folder };
    const names = Object.keys(files);
    for (let i = 0; i < changes; i++) {
      const name = pick(names, random);
      files[name] = (anything && i === 0 ? mutate : mutateMeaning)(files[name] ?? '', random);
    }
    return files;
  });

it('preferred fixes of any config take their finding away, add none as severe and break nothing', () => {
  fc.assert(
    fc.property(configs, (files) => {
      expect(fixFaults(files, Object.keys(files)[0] ?? '', catalogs)).toEqual([]);
    }),
    { numRuns: 1500, seed: 31 },
  );
}, 120_000);
