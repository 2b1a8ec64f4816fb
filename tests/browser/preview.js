// The preview: how an operator opens it, and what anybody sees of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, observeVideo, openPage, playedBeyond } from './chromium.js';
import { openConsole } from './console_house.js';
import { picture } from './looks.js';

const WORDS = {
  'en-GB': {
    none: /^None\./, length: 'First seconds of part 1', wrong: /1 to 1800\.$/, allow: 'Allow preview', now: /^Anybody may watch the first 6 sec/,
    button: /^Free preview/, over: 'That was the preview.', width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    none: /^未开放/, length: '第 1 部分前几秒', wrong: /^请填写 1 至 1800/, allow: '开放试看', now: /^在映期间，任何人可试看前 6/,
    button: /^免费试看/, over: '试看到此结束。', width: 1440, colorScheme: 'light',
  },
};

export function preview(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`an operator opens the preview, anybody watches it and is told how it goes on (${locale})`, async () => {
      const { marquee, browser } = world;
      const { id } = marquee.title('pvod');
      await marquee.operate('PATCH', `/titles/${id}`, { preview_seconds: null });
      const look = { locale, colorScheme: words.colorScheme, viewport: { width: words.width, height: 900 } };
      const page = await openConsole(world, `/console/titles/${id}?tab=film`, look);
      const panel = page.locator('[data-preview]');
      await panel.getByText(words.none).waitFor();
      await panel.getByLabel(words.length).fill('0');
      await panel.getByRole('button', { name: words.allow }).click();
      await panel.getByText(words.wrong).waitFor();
      await panel.getByLabel(words.length).fill('6');
      await panel.getByRole('button', { name: words.allow }).click();
      await panel.getByText(words.now).waitFor();
      await panel.scrollIntoViewIfNeeded();
      await picture(page, `preview-console-${locale}`, { whole: false });
      await close(page);

      const shop = await openPage(browser, marquee, look);
      await shop.goto(`${marquee.url}/title/${id}`);
      const button = shop.getByRole('button', { name: words.button });
      await button.waitFor();
      await picture(shop, `preview-page-${locale}`, { whole: false });
      await button.click();
      await playedBeyond(shop, 1);
      const { duration_s, video_bytes } = await observeVideo(shop);
      assert.ok(video_bytes > 0 && duration_s > 5 && duration_s < 15, `${duration_s} s`);
      await shop.getByText(words.over).waitFor({ timeout: 30_000 });
      await picture(shop, `preview-over-${locale}`, { whole: false });
      await shop.locator('.stage [data-action=buy] button').click();
      await shop.locator('dialog[open]').waitFor();
      await close(shop);
    });
  }
}
