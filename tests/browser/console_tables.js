// Tables: what is exported is what is shown; what is filtered stays in the address; and keys lead everywhere.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { every, openConsole } from './console_house.js';

/** The rows of a CSV file; its values may hold commas, quotes and lines. */
export function rowsOf(csv) {
  const rows = [[]];
  for (const [, quoted, plain, end] of csv.replace(/^\uFEFF/, '').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '') break;
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.join('') !== '');
}

export function tables(world) {
  before(async () => {
    const { marquee } = world;
    const viewer = await marquee.newViewer();
    await marquee.buy(viewer, 'pvod');
    await marquee.call('POST', '/playback-sessions', { token: viewer.api_token, body: { title_id: marquee.title('pvod').id } });
  });

  for (const path of ['/titles', '/orders', '/viewers', '/members', '/sessions', '/audit', '/qoe']) {
    test(`the CSV of ${path} holds the rows that are shown`, async () => {
      const page = await openConsole(world, `/console${path}`, { acceptDownloads: true });
      await page.locator('tr[data-row]').first().waitFor();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export' }).first().click();
      await page.getByRole('menuitem', { name: /CSV/ }).click();
      const [head, ...rows] = rowsOf(await readFile(await (await download).path(), 'utf8'));
      const table = page.locator('table').filter({ has: page.locator('tr[data-row]') }).first();
      const shown = await table.locator('tr[data-row]').evaluateAll((all) => all.map((row) => row.cells[0].innerText.trim()));
      assert.ok(rows.length >= shown.length && shown.length > 0, `${rows.length} rows of ${shown.length}`);
      for (const row of rows) assert.equal(row.length, head.length);
      if (path !== '/audit') {
        for (const first of shown) assert.ok(rows.some((row) => first.includes(row[0])), `${first} is in the file`);
      }
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }

  test('a filter is in the address, and survives a reload and Back', async () => {
    const { marquee } = world;
    const page = await openConsole(world, '/console/orders');
    await page.locator('tr[data-row]').first().waitFor();
    await page.getByLabel('Status').selectOption('refunded');
    await page.waitForURL(/status=refunded/);
    const refunded = (await every(marquee, '/purchases?status=refunded&limit=50')).length;
    const settled = () =>
      page.waitForFunction((count) => document.querySelectorAll('tr[data-row]').length === count && document.querySelector('table [aria-busy]') === null, Math.min(refunded, 50));
    await settled();
    await page.reload();
    assert.equal(await page.getByLabel('Status').inputValue(), 'refunded');
    await settled();
    await page.getByRole('link', { name: 'Viewers' }).click();
    await page.getByRole('heading', { name: 'Viewers' }).waitFor();
    await page.goBack();
    await page.waitForURL(/status=refunded/);
    assert.equal(await page.getByLabel('Status').inputValue(), 'refunded');
    await settled();
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('keys: g t to the titles, / to the search, j and k along the rows, Enter opens, ? says them', async () => {
    const page = await openConsole(world, '/console');
    await page.getByRole('heading', { name: 'Gross today' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.waitForURL(/\/console\/titles$/);
    await page.locator('tr[data-row]').nth(1).waitFor();
    const row = () => page.evaluate(() => [...document.querySelectorAll('tr[data-row]')].indexOf(document.activeElement));
    await page.keyboard.press('j');
    assert.equal(await row(), 0);
    await page.keyboard.press('j');
    assert.equal(await row(), 1);
    await page.keyboard.press('k');
    assert.equal(await row(), 0);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.type), 'search');
    await page.keyboard.type('g t?');
    assert.equal(await page.locator('dialog[open]').count(), 0, 'what is typed is no command');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.locator('tr[data-row]').nth(1).waitFor();
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('?');
    await page.locator('dialog[open]').getByText('Keyboard').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/console\/titles\/ttl_/);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });
}
