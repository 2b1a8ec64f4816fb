// Every page in both languages, at a phone's and a desk's width, light and dark: a picture of each goes to `out/` for
// people to look at; what a machine can judge is asserted: nothing wider than the screen, and axe-core's rules.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { card, openPage, playedBeyond, signIn } from './chromium.js';

const OUT = new URL('out/', import.meta.url).pathname;
const AXE = new URL('node_modules/axe-core/axe.min.js', import.meta.url);

export function screens(world) {
  for (const locale of ['zh-CN', 'en-GB']) {
    for (const width of [390, 1440]) {
      for (const colorScheme of ['light', 'dark']) {
        const look = `${locale.slice(0, 2)}-${width}-${colorScheme}`;
        test(look, async () => {
          const { marquee, browser } = world;
          const options = { locale, colorScheme, viewport: { width, height: width === 390 ? 844 : 900 }, bypassCSP: true };
          const page = await openPage(browser, marquee, { ...options, expected: [403], reducedMotion: 'reduce' });
          const pvod = marquee.title('pvod').id;

          await page.goto(`${marquee.url}/`);
          await settled(page, card(page, pvod));
          await look_at(page, `${look}-titles-signed-out`);

          await signIn(page, marquee, await viewerOf(world));
          await settled(page, card(page, pvod).getByRole('button').first());
          await look_at(page, `${look}-titles`);

          await card(page, pvod).getByRole('button').first().click();
          await page.locator('dialog[open]').waitFor();
          await look_at(page, `${look}-purchase`);

          await page.goto(`${marquee.url}/watch/${pvod}`);
          await settled(page, page.locator('.about .reason'));
          await look_at(page, `${look}-watch-unpaid`);

          await page.goto(`${marquee.url}/watch/${marquee.title('free').id}`);
          await settled(page, page.locator('.stage button'));
          await look_at(page, `${look}-watch`);
          await page.locator('.stage button').first().click();
          await playedBeyond(page, 1);
          await look_at(page, `${look}-playing`);
          await page.goto(`${marquee.url}/watch/ttl_none`);
          page.faults.length = 0;
          await page.locator('[role=alert]').waitFor();
          await look_at(page, `${look}-error`);
          await page.context().close();
        });
      }
    }
  }

  test('at 320 px nothing is wider than the screen', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee, { viewport: { width: 320, height: 640 } });
    for (const path of ['/', `/watch/${marquee.title('pvod').id}`, `/watch/${marquee.title('future').id}`]) {
      await page.goto(`${marquee.url}${path}`);
      await settled(page, page.locator('h1'));
      await page.locator('.reason').first().waitFor();
      await page.screenshot({ path: `${OUT}320${path === '/' ? '-titles' : '-watch'}.png`, fullPage: true });
      await fits(page);
    }
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('the language is switched without a reload, and kept', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee);
    await page.goto(`${marquee.url}/`);
    await page.getByRole('heading', { name: 'Titles' }).waitFor();
    await page.evaluate(() => (window.sameDocument = true));
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('heading', { name: '影片', exact: true }).waitFor();
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
    await page.reload();
    await page.getByRole('heading', { name: '影片', exact: true }).waitFor();
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });
}

/** One viewer for all pictures; sign-ups are limited by address. */
async function viewerOf(world) {
  world.onlooker ??= await world.marquee.newViewer();
  return world.onlooker;
}

async function settled(page, locator) {
  await locator.waitFor();
  await page.waitForFunction(() => [...document.images].every((image) => image.complete || image.loading === 'lazy'));
}

async function look_at(page, name) {
  await page.screenshot({ path: `${OUT}${name}.png`, fullPage: !name.endsWith('purchase') });
  await fits(page);
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  assert.deepEqual(found, [], name);
}

async function fits(page) {
  const { scroll, screen } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    screen: document.documentElement.clientWidth,
  }));
  assert.ok(scroll <= screen, `${scroll} px of content on ${screen} px`);
}
