// What a user sees: the packed extension installed in a fresh VS Code, driven by mouse and keyboard.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openWorkbench, pressUntilShown } from './workbench.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const WAIT = { timeout: 60_000 };

/** Installs `vsix`, opens a broken config, reads lens, hint and hover, applies a quick fix and saves. */
export async function testUserView(vsix) {
  const workbench = await openWorkbench({ workspace: path.join(here, 'workspace'), vsix });
  const { page } = workbench;
  const file = path.join(workbench.folder, 'broken.json');
  try {
    await page.goto(workbench.url([['openFile', workbench.remote(file)]]), WAIT);
    const editor = page.locator('.monaco-editor[data-uri$="/broken.json"]');
    await editor.waitFor(WAIT);
    await page
      .locator('.squiggly-error')
      .first()
      .waitFor({ ...WAIT, state: 'attached' });
    await page.locator('.codelens-decoration').first().waitFor(WAIT);

    const typo = editor.locator('.view-line', { hasText: 'stagee' }).locator('span', { hasText: 'stagee' }).last();
    await typo.hover();
    await page.locator('.monaco-hover:visible').first().waitFor(WAIT);
    await page.keyboard.press('Escape');
    await typo.click();
    await pressUntilShown(page, 'Control+.', page.locator('.action-widget:not(.action-list-submenu-panel)').first());
    await page.keyboard.press('Enter');
    await editor.locator('.view-line', { hasText: 'stagee' }).waitFor({ ...WAIT, state: 'detached' });
    await page.keyboard.press('Control+s');
    await savedWithout(file, 'stagee');
    console.log("The user's view: squiggle, lens, hover, quick fix and save work in the workbench.");
  } catch (error) {
    await page.screenshot({ path: 'dist/user-view-failed.png' });
    throw error;
  } finally {
    await workbench.close();
  }
}

async function savedWithout(file, text) {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (!readFileSync(file, 'utf8').includes(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${file} still holds ${text} after saving`);
}
