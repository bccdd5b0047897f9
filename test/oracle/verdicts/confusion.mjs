// How our findings stand to the verdicts over a folder of real configs: the table, and each file where we differ.

/** Runs the folder's configs through the framework (`run`) and prints the table, then every difference with its reason. */
export function confusionOverCorpus(recorder, folder, { corpusCases, compare, joined }, run) {
  const cases = corpusCases(recorder, folder).map(joined);
  const recording = { recorder, ...run(cases) };
  const counts = {};
  const differences = [];
  for (const each of cases) {
    // One node of as many GPUs as there are ranks: what the framework was told as well.
    const overrides = { from: 'flag', nodes: 1, gpusPerNode: each.world_size };
    const { outcome, detail } = compare(each, [recording], overrides);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (!['agreed', 'found'].includes(outcome)) {
      const reason = outcome === 'not compared' ? recording.verdicts[each.id]?.reason : detail;
      differences.push(`${outcome}: ${each.id} (${each.world_size} ranks): ${reason}`);
    }
  }
  console.log(`${recorder} ${JSON.stringify(recording.versions)}: ${cases.length} configs`);
  for (const outcome of Object.keys(counts).sort()) console.log(`  ${String(counts[outcome]).padStart(5)} ${outcome}`);
  console.log(differences.sort().join('\n'));
}
