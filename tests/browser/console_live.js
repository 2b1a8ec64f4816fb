// What moves by itself: the board, and what it says when the server is away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wire, openConsole } from './console_house.js';
import { boardAndBooks } from './console_night.js';
import { formatMoney } from './marquee.js';

const ANSWER_MS = 30_000;

export function live(world) {
  for (const [path, name] of [
    ['/console', 'the overview'],
    ['/console/wall', 'the big board'],
  ]) {
    test(`an order appears on ${name} without a reload, and the figures are those of the ledger`, async () => {
      const { marquee } = world;
      const page = await openConsole(world, `${path}?currency=CNY`, { viewport: { width: 1440, height: 900 } });
      await page.getByText(/^updated/).waitFor();
      await page.evaluate(() => (window.sameDocument = true));
      const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
      const { books: before } = await boardAndBooks(marquee, zone);
      await marquee.buy(await marquee.newViewer(), 'pvod');
      const { board, books } = await boardAndBooks(marquee, zone);
      assert.deepEqual(board, books);
      assert.equal(books.orders, before.orders + 1);
      assert.equal(books.gross, before.gross + marquee.title('pvod').offers[0].price.amount);
      const amount = formatMoney({ amount: books.gross, currency: 'CNY' });
      await page.locator('main').getByText(amount, { exact: true }).first().waitFor({ timeout: ANSWER_MS });
      assert.equal(await page.evaluate(() => window.sameDocument), true);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }

  test('a board that is cut off says so and since when, and goes on when the server is back', async () => {
    const { marquee } = world;
    const wire = await Wire.to(marquee.url);
    const page = await openConsole(world, '/console', { at: wire, viewport: { width: 1440, height: 900 } });
    await page.locator('.freshness.live').waitFor();
    wire.break();
    await page.locator('.freshness.stale').waitFor({ timeout: 60_000 });
    assert.match(await page.locator('.freshness').innerText(), /Not live[^]*reconnecting/);
    await page.getByRole('heading', { name: 'Gross today' }).waitFor();
    wire.mend();
    await page.locator('.freshness.live').waitFor({ timeout: 60_000 });
    const refused = page.faults.filter((fault) => !/net::ERR_/.test(fault));
    assert.deepEqual(refused, [], 'nothing but the broken connection');
    await page.context().close();
    await wire.close();
  });
}
