import path from 'node:path';
import type { Path } from '../../core/source';
import type { CheckFormat } from '../arguments';
import type { Output } from '../report';
import { github } from './github';
import { json } from './json';
import { junit } from './junit';
import { sarif } from './sarif';
import { text } from './text';

/** Writes a check's result to standard output. `ignored` findings were silenced by comments; `textOf` gives a file's text for code frames. */
export function write(
  format: CheckFormat,
  output: Output,
  ignored: number,
  textOf: (file: Path) => string | undefined,
): void {
  process.stdout.write(rendered(format, output, ignored, textOf));
}

function rendered(
  format: CheckFormat,
  output: Output,
  ignored: number,
  textOf: (file: Path) => string | undefined,
): string {
  switch (format) {
    case 'text':
      return text(output, ignored, (file) => textOf(path.resolve(file)), process.stdout);
    case 'json':
      return json(output);
    case 'sarif':
      return sarif(output);
    case 'github':
      return github(output);
    case 'junit':
      return junit(output);
  }
}
