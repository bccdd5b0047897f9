// The breakdown view as its users meet it: the page of `estimate --format html` in a browser of its own, and the view
// beside a config in the workbench.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { prepareEnvironment } from './environment.mjs';
import { openWorkbench, pressUntilShown } from './workbench.mjs';

const examples = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../examples');
const WAIT = { timeout: 60_000 };

/** Text that would be markup in a page that wrote it as it stands. */
const MARKUP = '</script><script>window.taken = true</script><img src=x onerror="window.taken = true">';

/** Colours that a page of its own follows. */
const COLOURS = [
  { name: 'light', options: { colorScheme: 'light' } },
  { name: 'dark', options: { colorScheme: 'dark' } },
  { name: 'high contrast', options: { colorScheme: 'dark', contrast: 'more', forcedColors: 'active' } },
];

/** Makes pages with `server`, the packed command line, and opens them; `pictures`, if given, is a folder for screenshots. */
export async function testBreakdownPage(server, pictures) {
  const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-page-'));
  const browser = await chromium.launch({
    executablePath: prepareEnvironment().chromium,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    for (const { name, options } of COLOURS) {
      const file = pageOf(server, folder, 'fsdp2-trl-two-nodes', 'sft.yaml');
      const page = await openPage(browser, file, { ...options, viewport: { width: 1000, height: 900 } });
      await checkPage(page);
      const picture = pictures && path.join(pictures, `page-${name.replace(' ', '-')}.png`);
      if (picture) await page.screenshot({ path: picture, fullPage: true });
      await page.context().close();
    }
    await checkMarkup(browser, server, folder);
    console.log('The breakdown page: draws in light, dark and high contrast, by keyboard, and reaches nothing.');
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function pageOf(server, folder, example, config, edit = (text) => text) {
  const run = path.join(folder, example);
  cpSync(path.join(examples, example), run, { recursive: true });
  writeFileSync(path.join(run, config), edit(readFileSync(path.join(run, config), 'utf8')));
  const page = path.join(folder, 'page.html');
  writeFileSync(page, execFileSync(process.execPath, [server, 'estimate', path.join(run, config), '--format', 'html']));
  return page;
}

/** Opens a page and fails on any message of the console, any error, and any request beyond the file itself. */
async function openPage(browser, file, options) {
  const context = await browser.newContext({ ...options, offline: true });
  const page = await context.newPage();
  page.troubles = [];
  page.on('console', (message) => page.troubles.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => page.troubles.push(String(error)));
  const url = pathToFileURL(file).href;
  page.on('request', (request) => {
    if (request.url() !== url) page.troubles.push(`requested ${request.url()}`);
  });
  await page.goto(url);
  await page.locator('h1').waitFor(WAIT);
  return page;
}

async function checkPage(page) {
  const charts = page.locator('svg[role=img]');
  assert.ok((await charts.count()) >= 5, 'memory, step, links, rate and efficiency should be drawn');
  for (const chart of await charts.all()) {
    assert.match((await chart.getAttribute('aria-label')) ?? '', /\w{3}/);
    const box = await chart.boundingBox();
    assert.ok(box && box.width > 200 && box.height > 50, 'a chart should have a size');
  }
  assert.equal(await page.locator('button').count(), 0, 'outside the editor nothing can be pressed');
  await openByKeyboard(page);
  const rows = page.locator('table', { hasText: 'Global batch kept' }).locator('tbody tr');
  assert.ok((await rows.count()) >= 4, 'the scaling table should have its points');
  assert.ok(!(await page.content()).includes(path.dirname(examples)), 'a page should not tell where files lie');
  assert.deepEqual(page.troubles, []);
}

/** Opens every table with Tab and Enter only, and reaches every table itself. */
async function openByKeyboard(page) {
  const summaries = await page.locator('summary').count();
  assert.ok(summaries >= 6, 'each chart should have its table');
  const reached = new Set();
  for (let press = 0; press < 200 && (press < 5 || reached.size < (await page.locator('.scroll').count())); press++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const { activeElement: it } = document;
      return { tag: it?.tagName, label: it?.getAttribute('aria-label'), open: it?.parentElement?.open };
    });
    if (focused.tag === 'SUMMARY' && !focused.open) await page.keyboard.press('Enter');
    if (focused.label) reached.add(focused.label);
    if (focused.tag === 'BODY') break;
  }
  const captions = await page.locator('caption').allTextContents();
  assert.ok(captions.length >= 8, captions.join(', '));
  assert.deepEqual(
    captions.filter((caption) => !reached.has(caption)),
    [],
  );
  assert.equal(await page.locator('details:not([open])').count(), 0);
}

/** What a config holds stays text, and a script that came in would not run. */
async function checkMarkup(browser, server, folder) {
  const file = pageOf(server, folder, 'qlora-24gb', 'sft.yaml', (text) =>
    text.replace(/^model_name_or_path:.*$/m, `model_name_or_path: '${MARKUP}'`),
  );
  assert.ok(!readFileSync(file, 'utf8').includes(MARKUP));
  const page = await openPage(browser, file, {});
  assert.ok(
    (await page.locator('main').textContent()).includes(MARKUP.slice(0, 20)),
    'the name should be shown as text',
  );
  assert.deepEqual(page.troubles, []);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.taken = true';
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.taken), undefined);
  await page.context().close();
}

/** Opens the view from its lens, follows an edit, and goes from a fact to its line. */
export async function testBreakdownView(vsix, { theme, picture } = {}) {
  const workspace = path.join(examples, 'fsdp2-trl-two-nodes');
  const workbench = await openWorkbench({ workspace, vsix, theme, viewport: { width: 1500, height: 1000 } });
  const { page } = workbench;
  const refusals = [];
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) refusals.push(message.text());
  });
  try {
    await page.goto(workbench.url([['openFile', workbench.remote(path.join(workbench.folder, 'sft.yaml'))]]), WAIT);
    await page.locator('.codelens-decoration a', { hasText: 'Breakdown' }).first().click(WAIT);
    const view = await viewIn(page);
    await view.locator('svg[role=img]').first().waitFor(WAIT);
    if (picture) await takePicture(page, view, picture);
    const before = await view.locator('.summary').textContent();

    await page.locator('.view-line', { hasText: 'per_device_train_batch_size' }).click();
    await page.keyboard.press('End');
    await page.keyboard.type('6');
    await view.locator('.summary', { hasNotText: before }).waitFor(WAIT);

    await view.getByRole('button', { name: 'max_length, sft.yaml:5: open' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.statusbar-item', { hasText: 'Ln 5, Col 1' }).waitFor(WAIT);

    await view.getByRole('button', { name: 'Change target', exact: true }).click();
    await page.locator('.quick-input-widget', { hasText: 'Which machine is this run for?' }).waitFor(WAIT);
    await page.keyboard.press('Escape');
    await stayWhenHidden(page, view);
    await stayAfterReload(page, workbench.url([]));
    assert.deepEqual(refusals, []);
    console.log(
      'The breakdown view: opens from its lens, follows the config, leads back to its lines, and keeps its state.',
    );
  } catch (error) {
    await page.screenshot({ path: 'dist/breakdown-view-failed.png' });
    throw error;
  } finally {
    await workbench.close();
  }
}

/** Hidden behind another tab, the page is thrown away: what was open in it is open again when it is back. */
async function stayWhenHidden(page, view) {
  await view.locator('summary', { hasText: 'The bars as a table' }).click();
  await view.locator('details[open]').waitFor(WAIT);
  const name = { hasText: 'shardlens.json' };
  // A press inside the page reaches the workbench late: the file would open in the other group.
  const own = { hasText: 'Breakdown of sft.yaml' };
  await page.locator('.tab', own).click();
  await page.locator('.editor-group-container.active .tab.active', own).waitFor(WAIT);
  await pressUntilShown(page, 'Control+p', page.locator('.quick-input-widget input').first());
  await page.keyboard.type('shardlens.json');
  await page.locator('.quick-input-widget .monaco-list-row', name).first().waitFor(WAIT);
  await page.keyboard.press('Enter');
  await page.locator('.editor-group-container').nth(1).locator('.tab.active', name).waitFor(WAIT);
  await page.locator('.tab', own).click();
  const again = await viewIn(page);
  await again.locator('details[open] summary', { hasText: 'The bars as a table' }).waitFor(WAIT);
  assert.equal(await again.locator('details[open]').count(), 1);
}

/** The view is there again when the window is loaded anew. */
async function stayAfterReload(page, url) {
  await page.keyboard.press('Control+s');
  await untilStored(page);
  // The first address names a file to open, and would put it in the place of what was open.
  await page.goto(url, WAIT);
  const again = await viewIn(page);
  await again.locator('svg[role=img]').first().waitFor(WAIT);
}

/**
 * VS Code in a browser writes which editors are open every 5 s, when the page is idle (`BrowserStorageService`), and does not
 * wait for what it still writes while the page unloads. Until then another tab lies before the view, whose page is not loaded.
 */
async function untilStored(page) {
  for (let attempt = 0; attempt < 300; attempt++) {
    const groups = (await page.evaluate(storedGroups)).flatMap((state) => leavesOf(state.serializedGrid.root));
    const shown = groups.map(({ editors, mru }) => editors[mru[0]]?.value ?? '');
    if (shown.some((editor) => editor.includes('mainThreadWebview-shardlens.breakdown'))) return;
    await page.waitForTimeout(200);
  }
  throw new Error('VS Code did not store that the breakdown view is open');
}

function leavesOf(node) {
  return node.type === 'leaf' ? [node.data] : node.data.flatMap(leavesOf);
}

/** Runs in the page: the groups of editors as VS Code has stored them, for each workspace. */
async function storedGroups() {
  const result = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const states = [];
  for (const { name } of await indexedDB.databases()) {
    if (!name?.startsWith('vscode-web-state-db-')) continue;
    const database = await result(indexedDB.open(name));
    const items = database.transaction('ItemTable').objectStore('ItemTable');
    const stored = await result(items.get('memento/workbench.parts.editor'));
    database.close();
    if (stored) states.push(JSON.parse(stored)['editorpart.state']);
  }
  return states.filter(Boolean);
}

/** The page inside VS Code's two frames. */
export async function viewIn(page) {
  for (let attempt = 0; attempt < 300; attempt++) {
    for (const frame of page.frames()) {
      const there = await frame
        .locator('body[data-uri] h1')
        .count()
        .catch(() => 0);
      if (there > 0) return frame;
    }
    await page.waitForTimeout(200);
  }
  throw new Error('the breakdown view did not open');
}

async function takePicture(page, view, picture) {
  await page.keyboard.press('Control+b');
  await page.waitForTimeout(1500);
  await page.screenshot({ path: picture });
  await view.evaluate(() => document.getElementById('traffic')?.scrollIntoView());
  await page.waitForTimeout(500);
  await page.screenshot({ path: picture.replace('.png', '-below.png') });
  await page.keyboard.press('Control+b');
}
