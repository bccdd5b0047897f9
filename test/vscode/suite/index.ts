import { readdirSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';

/** Entry that VS Code's extension host calls. Rejects when a test failed, which becomes the exit code. */
export async function run(): Promise<void> {
  // The console of the extension host does not expand %s, and the runner looks for the mark.
  Mocha.reporters.Base.consoleLog = (...parts: unknown[]) => console.log(`[mocha] ${format(...parts)}`);
  const mocha = new Mocha({ ui: 'bdd', reporter: 'spec', timeout: 60_000, color: false });
  for (const name of readdirSync(__dirname)
    .filter((file) => file.endsWith('.test.js'))
    .sort()) {
    mocha.addFile(path.join(__dirname, name));
  }
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} editor tests failed.`);
}
