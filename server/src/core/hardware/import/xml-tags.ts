import type { Path } from '../../source';
import { type Origin, wordsOf } from './facts';

/** An opening or closing tag with the line it stands in. */
export interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly origin: Origin;
}

/** Opening and closing tags in order; a closing tag has a `/` before its name. Text between tags means nothing here. */
export function* tagsOf(path: Path, text: string): Generator<Tag> {
  let line = 1;
  let counted = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const end = text.indexOf('>', at);
    if (end < 0) return;
    for (let next = text.indexOf('\n', counted); next >= 0 && next < at; next = text.indexOf('\n', counted)) {
      line++;
      counted = next + 1;
    }
    const body = text.slice(at + 1, Math.min(end, at + 4000));
    const attributes: Record<string, string> = {};
    for (const [, key = '', value = ''] of body.matchAll(/([\w-]+)="([^"]*)"/g)) attributes[key] = value;
    const name = /^\/?[\w-]+/.exec(body)?.[0] ?? '';
    const origin = { path, line, text: wordsOf(`<${body}>`) };
    yield { name, attributes, origin };
    if (body.endsWith('/') && name !== '') yield { name: `/${name}`, attributes: {}, origin };
    at = end + 1;
  }
}
