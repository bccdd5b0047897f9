import type { CheckFormat } from '../arguments';
import { coloursFor } from '../colour';
import type { Part } from '../part';
import { outputOf } from '../report';
import { github } from './github';
import { json } from './json';
import { junit } from './junit';
import { sarif } from './sarif';
import { summaryText } from './text';

/** A check's whole result in a format. */
export function rendered(format: CheckFormat, part: Part, stream: { readonly isTTY: boolean }): string {
  switch (format) {
    case 'text':
      return part.text + summaryText(part.counts, coloursFor(stream));
    case 'json':
      return json(outputOf(part.files));
    case 'sarif':
      return sarif(outputOf(part.files));
    case 'github':
      return github(outputOf(part.files));
    case 'junit':
      return junit(outputOf(part.files));
  }
}
