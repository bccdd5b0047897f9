import { type BreakdownView, breakdownView } from '../../core/features/breakdown-view';
import { findScaling } from '../../core/recommend/scaling';
import type { Cancellation } from '../connection';
import type { ViewAnswer } from '../protocol';
import { onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { inSlices } from '../slices';
import { pathOf, uriOf } from '../uri';
import { largestOf } from './what-if';

/** `shardlens/view`: what the breakdown view draws. The scaling curve takes a dozen estimates, so typing goes on meanwhile. */
export async function viewAnswer(
  session: Session,
  uri: string,
  cancellation: Cancellation,
): Promise<ViewAnswer | null> {
  const snapshot = await onSnapshot<AnalysedSnapshot | null>(session, uri, cancellation, null, (found) => found);
  if (!snapshot?.analysis.run) return null;
  const { catalogs } = session.core;
  const { analysis } = snapshot;
  const input = { workspace: snapshot.workspace, catalogs, overrides: session.overridesInForce };
  const steps = findScaling(analysis.file, input);
  const scaling = await inSlices(session, pathOf(uri), cancellation, steps, () => {});
  const view = breakdownView(analysis, catalogs, scaling, largestOf(session, snapshot));
  return view ? { view, places: placesOf(view) } : null;
}

/** The client opens files by URI. */
function placesOf({ facts }: BreakdownView): ViewAnswer['places'] {
  const paths = new Set(facts.flatMap(({ place }) => (place ? [place.path] : [])));
  return Object.fromEntries([...paths].map((path) => [path, uriOf(path)]));
}
