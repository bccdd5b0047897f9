/**
 * The names nearest to a mistyped one, best first, those more than a third of it away left out. Distance is
 * Levenshtein's; a name whose part after the owner is nearer counts by that part, since owners are often left out.
 */
export function nearestNames(name: string, names: Iterable<string>, limit: number): readonly string[] {
  const most = mostFor(name);
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const candidate of names) {
    const distance = distanceTo(name, candidate, most);
    if (distance <= most) found.push({ name: candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return found.slice(0, limit).map((item) => item.name);
}

function distanceTo(name: string, candidate: string, most: number): number {
  const whole = editDistance(name, candidate, most);
  const slash = candidate.lastIndexOf('/');
  if (slash < 0 || whole === 0) return whole;
  // One more than the distance, so that a name with the right owner goes first.
  const own = name.slice(name.lastIndexOf('/') + 1);
  const bare = editDistance(own, candidate.slice(slash + 1), most);
  return bare > mostFor(own) ? whole : Math.min(whole, bare + 1);
}

/** A third of the name, two letters at least; of a very short name less, since any other is near to it. */
function mostFor(name: string): number {
  return Math.min(Math.max(2, Math.floor(name.length / 3)), Math.floor((name.length - 1) / 2));
}

/** Levenshtein's distance; anything above `most` is given as `most + 1`. */
export function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column++) {
      const change = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const cost = Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      current.push(cost);
      if (cost < least) least = cost;
    }
    if (least > most) return most + 1;
    previous = current;
  }
  return previous[b.length] ?? most + 1;
}
