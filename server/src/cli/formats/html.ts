import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { breakdownPage } from '../../core/features/breakdown-page';
import type { BreakdownView } from '../../core/features/breakdown-view';
import { UsageError } from '../usage';

/** The breakdown view as one page that needs nothing beside it: no network, no other file. */
export function html(view: BreakdownView): string {
  const style = part('breakdown.css');
  const script = part('breakdown.js').replaceAll('</script', '<\\/script');
  return breakdownPage({
    title: `Breakdown of ${view.title}`,
    policy: `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`,
    style: `<style>${style}</style>`,
    script: `<script>${script}</script>`,
    data: { view: withoutFolders(view) },
  });
}

/** A page is sent to others: it names files, not where they lie on this machine. */
function withoutFolders(view: BreakdownView): BreakdownView {
  const facts = view.facts.map((fact) =>
    fact.place ? { ...fact, place: { ...fact.place, path: path.basename(fact.place.path) } } : fact,
  );
  return { ...view, facts };
}

/** The view's script and style lie beside the bundle; without them it still does everything else. */
function part(name: string): string {
  try {
    return readFileSync(path.join(path.dirname(__filename), name), 'utf8');
  } catch {
    throw new UsageError(`the HTML page is made with ${name}, which is not beside shardlens.js.`);
  }
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
