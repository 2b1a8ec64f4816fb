// What a title has beside its film: invited viewers, an age and a PIN, articles of a shop.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cameIn, close, openPage, playedBeyond } from './chromium.js';
import { openConsole } from './console_house.js';

const OUT = new URL('out/', import.meta.url).pathname;
const WORDS = {
  'en-GB': {
    invite: 'Invite', viewer: /^Viewer/, open: 'Open', add: 'Add article', name: /^Name · /, link: 'Link', cues: 'Shown at', save: 'Save',
    watch: /^Watch now/, set: 'Set a lock', pin: 'PIN', saved: /ask for the PIN/, play: 'Play', wrong: /Tries left: 4/, shop: /To the shop/,
    width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    invite: '邀请', viewer: /^观众/, open: '有效', add: '添加商品', name: /^名称 · /, link: '链接', cues: '片中出现时间', save: '保存',
    watch: /^(立即观看|开始观看|观看)/, set: '设置家长锁', pin: 'PIN', saved: /需输入 PIN/, play: '播放', wrong: /还可尝试 4 次/, shop: /前往商店/,
    width: 1440, colorScheme: 'light',
  },
};

export function extras(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`an invited viewer watches a draft, with a PIN, and sees what a shop sells of it (${locale})`, async () => {
      const { marquee, browser } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: 'The Salt Ledger', 'zh-CN': '盐账' };
      const title = await marquee.operate('POST', '/titles', { name, assets, min_age: 16 });
      const viewer = await marquee.newViewer();
      const look = { locale, colorScheme: words.colorScheme, viewport: { width: words.width, height: 900 } };

      const page = await openConsole(world, `/console/titles/${title.id}?tab=windows`, look);
      const dialog = page.locator('dialog[open]');
      const panel = page.locator('[data-screeners]');
      await panel.getByRole('button', { name: words.invite }).click();
      await dialog.getByLabel(words.viewer).fill(viewer.email);
      await page.screenshot({ path: `${OUT}extras-invite-${locale}.png` });
      await dialog.getByRole('button', { name: words.invite }).click();
      await panel.getByText(words.open, { exact: true }).waitFor();
      await panel.scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${OUT}extras-invited-${locale}.png` });
      await page.goto(`${marquee.url}/console/titles/${title.id}?tab=film`);
      const shelf = page.locator('[data-merchandise]');
      await shelf.getByRole('button', { name: words.add }).click();
      await dialog.getByLabel('SKU').fill('MUG-1');
      await dialog.getByLabel(words.name).first().fill('盐罐 Salt pot');
      await dialog.getByLabel(words.link).fill('https://shop.example/salt-pot');
      await dialog.getByLabel(words.cues).fill('0:01');
      await page.screenshot({ path: `${OUT}extras-article-${locale}.png` });
      await dialog.getByRole('button', { name: words.save }).click();
      await shelf.locator('[data-article=MUG-1]').waitFor();
      await shelf.scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${OUT}extras-shelf-console-${locale}.png` });
      await close(page);

      const shop = await openPage(browser, marquee, { ...look, expected: [403] });
      await cameIn(shop, marquee, viewer);
      await shop.goto(`${marquee.url}/account`);
      await shop.getByRole('button', { name: words.set }).click();
      await shop.locator('[data-lock-form]').getByLabel(words.pin, { exact: true }).fill('4711');
      await shop.locator('[data-lock-form] button[type=submit]').click();
      await shop.getByText(words.saved).waitFor();
      await shop.locator('[data-lock]').scrollIntoViewIfNeeded();
      await shop.screenshot({ path: `${OUT}extras-lock-${locale}.png` });

      await shop.goto(`${marquee.url}/purchases`);
      const mine = shop.locator('[data-invitation]');
      await mine.waitFor();
      await shop.screenshot({ path: `${OUT}extras-mine-${locale}.png` });
      await mine.getByRole('link').last().click();
      await shop.locator('[data-merchandise]').getByText(words.shop).waitFor();
      await shop.screenshot({ path: `${OUT}extras-page-${locale}.png`, fullPage: true });
      await shop.locator('[data-action=play] button').first().click();
      const asked = shop.locator('[data-pin]');
      await asked.getByLabel(words.pin, { exact: true }).fill('0000');
      await shop.screenshot({ path: `${OUT}extras-pin-${locale}.png` });
      await asked.getByRole('button', { name: words.play }).click();
      await shop.getByText(words.wrong).waitFor();
      await asked.getByLabel(words.pin, { exact: true }).fill('4711');
      await asked.getByRole('button', { name: words.play }).click();
      await playedBeyond(shop, 1.5);
      assert.match(await shop.locator('[data-watermark]').textContent(), /^ses_/);
      const card = shop.locator('.stage [data-article=MUG-1]');
      await card.waitFor();
      await shop.screenshot({ path: `${OUT}extras-playing-${locale}.png` });
      assert.match(await card.getByRole('link').getAttribute('href'), /merchandise\/MUG-1\/go$/);
      await close(shop);

      const stranger = await openPage(browser, marquee, { ...look, expected: [404] });
      await stranger.goto(`${marquee.url}/title/${title.id}`);
      await stranger.locator('[data-code], h1').first().waitFor();
      assert.equal(await stranger.getByText(name[locale === 'zh-CN' ? 'zh-CN' : 'en']).count(), 0, 'nobody else is told of it');
      await close(stranger);
    });
  }
}
