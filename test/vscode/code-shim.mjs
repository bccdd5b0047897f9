#!/usr/bin/env node
// Stands where @vscode/test-electron expects a VS Code executable: takes its arguments, runs the suite in VS Code's
// server and workbench, and ends with the suite's exit code. Used where no desktop VS Code can be had.
import { openWorkbench } from './workbench.mjs';

const argument = (name) => process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const extension = argument('extensionDevelopmentPath');
const tests = argument('extensionTestsPath');
const workspace = process.argv.slice(2).find((arg) => !arg.startsWith('--'));
const TIMEOUT_MS = 240_000;

const workbench = await openWorkbench({ workspace });
let code = 97;
try {
  const { page } = workbench;
  const done = new Promise((resolve) => void page.exposeFunction('codeAutomationExit', (exit) => resolve(exit)));
  await page.exposeFunction('codeAutomationLog', () => {});
  const tail = [];
  page.on('console', (message) => {
    const text = message.text();
    const marker = text.indexOf('[mocha] ');
    if (marker >= 0) console.log(text.slice(marker + 8));
    else tail.push(text.slice(0, 400));
  });
  await page.goto(
    workbench.url([
      ['extensionDevelopmentPath', workbench.remote(extension)],
      ['extensionTestsPath', workbench.remote(tests)],
    ]),
    { timeout: TIMEOUT_MS },
  );
  const timeout = new Promise((resolve) => void setTimeout(() => resolve(98), TIMEOUT_MS).unref());
  code = await Promise.race([done, timeout]);
  if (code) console.log(tail.slice(-20).join('\n'));
} finally {
  await workbench.close();
}
process.exit(code);
