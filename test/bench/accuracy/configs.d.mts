/** Files by name that a user would have written for a point of points.json, and the one to analyse. */
export function configsOf(setup: unknown): { readonly files: Readonly<Record<string, string>>; readonly main: string };
