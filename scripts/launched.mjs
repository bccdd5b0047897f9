import { createHash } from 'node:crypto';
import esbuild from 'esbuild';

/**
 * The code of a bundle behind the code that starts it from V8's cache; `server/src/launch.ts` says how and why. A comment
 * ends at its first end mark, so the marks in the code are written apart.
 */
export async function launched(code, options) {
  const id = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const built = await esbuild.build({
    ...options,
    entryPoints: ['server/src/launch.ts'],
    write: false,
    define: { BUNDLE_ID: JSON.stringify(id), MODULE: '$module' },
    // Before "use strict", under which no code may ask for the function it stands in.
    banner: { js: 'var $module=arguments.callee;' },
  });
  const [head] = built.outputFiles;
  if (head.text.includes('/*!')) throw new Error('scripts/launched.mjs: the head holds the mark of the bundle');
  if (code.includes(END)) throw new Error('scripts/launched.mjs: the bundle cannot be quoted');
  const wrapped = `(function(exports,require,module,__filename,__dirname){${ascii(code)}\n})`;
  return `${head.text}/*!${wrapped.replaceAll('*/', END)}*/\n`;
}

/** How the end mark of a comment is written inside it. */
const END = '*\x01/';

/** esbuild escapes all but regular expressions. In ASCII the bundle takes half the memory, and is read as bytes. */
function ascii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
