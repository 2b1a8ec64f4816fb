// Early access for members: how an operator sells it, and what members and others see of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, openPage, signIn } from './chromium.js';
import { openConsole } from './console_house.js';
import { picture } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const WORDS = {
  'en-GB': {
    add: 'Add price', price: /^Price/, clock: 'For members, until all of them have it', hours: 'Hours to watch at most', said: /sold to members/,
    terms: /Early access for members/, only: /for members/, width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    add: '设定票价', price: /^票价/, clock: '仅限会员，至会员免费看为止', hours: '最长可观看小时数', said: /仅售会员/,
    terms: /会员超前观看/, only: /会员/, width: 1440, colorScheme: 'light',
  },
};

export function early(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`members buy early access, others are told that it is for members (${locale})`, async () => {
      const { marquee, browser } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: 'Harbour of Glass', 'zh-CN': '玻璃港' };
      const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL' });
      const everywhere = { territories: { include: [], exclude: [] } };
      await marquee.newAvail(title.id, { ...everywhere, start_at: hence(-DAY_S), end_at: hence(60 * DAY_S) });
      await marquee.newAvail(title.id, { ...everywhere, license_type: 'svod', description: null, start_at: hence(60 * DAY_S), end_at: null });
      const viewport = { width: words.width, height: 1000 };
      const { colorScheme } = words;
      const page = await openConsole(world, `/console/titles/${title.id}?tab=windows`, { locale, viewport, colorScheme });
      const dialog = page.locator('dialog[open]');
      await page.getByRole('button', { name: words.add }).first().click();
      await dialog.getByLabel(words.price).first().fill('29.99');
      await dialog.getByText(words.clock, { exact: true }).click();
      await dialog.getByLabel(words.hours).fill('8760');
      await dialog.getByText(words.said).waitFor();
      await picture(page, `early-dialog-${locale}`, { whole: false });
      await dialog.getByRole('button', { name: words.add }).click();
      await page.getByText(words.said).first().waitFor();
      await picture(page, `early-windows-${locale}`);
      await close(page);

      for (const who of ['non_member', 'member']) {
        const shop = await openPage(browser, marquee, { locale, viewport, colorScheme });
        await signIn(shop, marquee, marquee.viewer(who));
        await shop.goto(`${marquee.url}/title/${title.id}`);
        await shop.getByText(who === 'member' ? words.terms : words.only).first().waitFor();
        await picture(shop, `early-${who}-${locale}`);
        assert.equal(await shop.getByText(words.terms).count() > 0, who === 'member', who);
        await close(shop);
      }
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}
