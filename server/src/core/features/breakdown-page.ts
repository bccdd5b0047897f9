import type { BreakdownView } from './breakdown-view';

export interface PageParts {
  readonly title: string;
  /** The whole Content-Security-Policy. */
  readonly policy: string;
  /** The `<style>` or `<link>` element. */
  readonly style: string;
  /** The `<script>` element of the view. */
  readonly script: string;
  /** Attributes of `<body>`; empty for none. */
  readonly body?: string;
  readonly data: PageData;
}

/** What the page shows: a view, or why there is none. */
export type PageData =
  | { readonly view: BreakdownView; readonly problem?: undefined }
  | { readonly view?: undefined; readonly problem: string };

/** The view as an HTML document. Only the title and the data come from files; both are written so that they stay text. */
export function breakdownPage({ title, policy, style, script, body = '', data }: PageParts): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
${style}
</head>
<body${body === '' ? '' : ` ${body}`}>
<main id="view"><noscript>This page draws its figures with a script of its own; nothing is fetched.</noscript></main>
<script type="application/json" id="data">${embedded(data)}</script>
${script}
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** JSON that no parser of HTML can take for markup: without `<`, no element ends or begins, and no comment. */
export function embedded(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
