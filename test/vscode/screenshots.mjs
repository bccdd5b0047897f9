// Takes the README's pictures in real VS Code: `node test/vscode/screenshots.mjs [folder] [picture…]`.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageExtension } from '../../scripts/package.mjs';
import { viewIn } from './breakdown-view.mjs';
import { openWorkbench } from './workbench.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const target = path.resolve(process.argv[2] ?? path.join(root, 'docs/images'));
const vsix = await packageExtension();
mkdirSync(target, { recursive: true });

const BREAKDOWN = { example: 'fsdp2-trl-two-nodes', file: 'sft.yaml' };

/** Opens the breakdown at one of its sections, with the room that the file tree leaves. */
async function openBreakdown(page, section) {
  await page.keyboard.press('Control+b');
  await page.locator('.codelens-decoration a', { hasText: 'Breakdown' }).first().click();
  const view = await viewIn(page);
  await view.locator('svg[role=img]').first().waitFor();
  await page.waitForTimeout(1500);
  if (section !== 'memory') await view.evaluate((id) => document.getElementById(id)?.scrollIntoView(), section);
}

/** Each picture: what is opened, and what is done before it is taken. */
const PICTURES = [
  { name: 'lens-and-hints', example: 'llama-3-8b-zero3-offload', file: 'ds_zero3.json' },
  {
    name: 'findings',
    example: 'broken',
    file: 'ds_config.json',
    async act(page) {
      await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
      await page.locator('.view-line span', { hasText: 'overlap_com' }).last().click();
      // VS Code asks for the light bulb first, and drops a menu that is asked for at the same time.
      await page.waitForTimeout(2000);
      await page.keyboard.press('Control+.');
      await page.locator('.action-widget:not(.action-list-submenu-panel)').first().waitFor();
    },
  },
  {
    name: 'hover',
    example: 'llama-3-8b-zero3-offload',
    file: 'ds_zero3.json',
    async act(page) {
      await page.locator('.view-line span', { hasText: 'stage3_param_persistence_threshold' }).last().hover();
      await page.locator('.monaco-hover:visible').first().waitFor();
    },
  },
  {
    name: 'largest-terms',
    example: 'broken',
    file: 'ds_config.json',
    async act(page) {
      await page.locator('.view-line span', { hasText: 'per GPU' }).last().hover();
      await page.waitForTimeout(6000);
    },
  },
  {
    name: 'completion',
    example: 'fsdp2-trl-two-nodes',
    file: 'accelerate.yaml',
    async act(page) {
      await page.locator('.view-line', { hasText: 'fsdp_state_dict_type' }).click();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await page.keyboard.type('fsdp_');
      await page.keyboard.press('Control+Space');
      await page.locator('.suggest-widget.visible').waitFor();
    },
  },
  {
    name: 'value-effects',
    example: 'llama-3-8b-zero3-offload',
    file: 'ds_zero3.json',
    async act(page) {
      await page.locator('.view-line', { hasText: '"stage"' }).click();
      await page.keyboard.press('End');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('Backspace');
      await page.keyboard.press('Control+Space');
      await page.locator('.suggest-widget.visible').waitFor();
      await page.waitForTimeout(1000);
    },
  },
  {
    name: 'make-it-fit',
    example: 'broken',
    file: 'train.yaml',
    async act(page) {
      await page.locator('.codelens-decoration a', { hasText: 'Make it fit' }).first().click();
      await page.locator('.quick-input-widget .monaco-list-row').nth(1).waitFor();
    },
  },
  {
    name: 'fit-preview',
    example: 'llama-3-8b-zero3-offload',
    file: 'ds_zero3.json',
    async act(page) {
      await page.locator('.codelens-decoration a', { hasText: 'Make it faster' }).first().click();
      await page.locator('.quick-input-widget .monaco-list-row').nth(1).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.locator('.monaco-diff-editor').first().waitFor();
      await page.waitForTimeout(3000);
    },
  },
  { name: 'breakdown', ...BREAKDOWN, theme: 'Default Dark Modern', act: (page) => openBreakdown(page, 'memory') },
  {
    name: 'breakdown-links',
    ...BREAKDOWN,
    theme: 'Default Light Modern',
    act: (page) => openBreakdown(page, 'traffic'),
  },
];

const wanted = process.argv.slice(3);
for (const { name, example, file, theme, act } of PICTURES) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const workbench = await openWorkbench({
    workspace: path.join(root, 'examples', example),
    vsix,
    viewport: { width: 1320, height: 820 },
    theme,
    settings: { 'workbench.sideBar.location': 'left', 'editor.fontSize': 13 },
  });
  try {
    const { page } = workbench;
    page.setDefaultTimeout(60_000);
    await page.goto(workbench.url([['openFile', workbench.remote(path.join(workbench.folder, file))]]));
    await page
      .locator('.codelens-decoration', { hasText: /GiB|Set|Choose/ })
      .first()
      .waitFor();
    await page.waitForTimeout(2500);
    await act?.(page);
    await page.waitForTimeout(1200);
    await page.screenshot({ path: path.join(target, `${name}.png`) });
    console.log(`${name}.png`);
  } finally {
    await workbench.close();
  }
}
