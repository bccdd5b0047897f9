// Compares describeModel with the counts of count_parameters.py over a folder of config.json files.
//
//   python count_parameters.py config FOLDER/*.json > counts.jsonl
//   node compare_models.mjs counts.jsonl
//
// Lists what differs, what only one side counts, and the sums. Exit status 1 where a count differs.
import { readFileSync } from 'node:fs';
import { loadSource } from '../../scripts/load-source.mjs';

const { describeModel } = await loadSource(['server/src/core/models/describe']);

const sums = { equal: 0, refusedByBoth: 0, onlyTheClass: 0, onlyUs: 0, different: 0 };
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  if (line === '') continue;
  const counted = JSON.parse(line);
  // Python's json writes Infinity and NaN, which JSON does not know.
  const text = readFileSync(counted.name, 'utf8').replace(/\b(-?Infinity|NaN)\b/g, '0');
  const ours = describeModel(JSON.parse(text), { name: counted.name, source: counted.name, confidence: 'high' });
  const total = 'model' in ours ? ours.model.parameters.total : undefined;
  if (total === undefined && counted.error) sums.refusedByBoth++;
  else if (total === undefined) report('onlyTheClass', counted.name, ours.problem);
  else if (counted.error) report('onlyUs', counted.name, counted.error);
  else if (total === counted.total) sums.equal++;
  else report('different', counted.name, `${total}, the class has ${counted.total}`);
}
console.log(sums);
process.exitCode = sums.different > 0 ? 1 : 0;

function report(kind, name, why) {
  sums[kind]++;
  console.log(`${kind}: ${name}: ${why}`);
}
