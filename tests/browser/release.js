// The release of a title in time and space: what others show and hold back on its timeline, and the map of where it can be
// had at the moment that both look at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close } from './chromium.js';
import { openConsole } from './console_house.js';
import { lookAt, lookOtherwise, picture } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const WORDS = {
  'en-GB': {
    party: 'Tern', circuit: 'Gull Pictures', held: /^Held back for Gull Pictures, until/, alone: /^Tern, Platform, pay per title · Japan, Alone/,
    for_sale: 'China (CN): For sale', free: 'United States (US): Free', held_tile: 'United States (US): Held back', after: 'Change after',
    ask: 'Ask the time machine here', watches: 'Watches free of charge', legend: 'Another party alone',
    edit: 'Edit', starts: /^Start \(/, waits: /Waits until/, width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    party: '海鸥', circuit: '横店院线', held: /^与横店院线约定的限制期，至/, alone: /^海鸥，.*日本.*独播/,
    for_sale: '中国（CN）：在售', free: '美国（US）：免费', held_tile: '美国（US）：限制期内', after: '下一次变化',
    ask: '用时光机查看该地区', watches: '免费观看', legend: '其他方独播',
    edit: '调整', starts: /^开始（/, waits: /须等到/, width: 1440, colorScheme: 'light',
  },
};

export function release(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`the release stands on a timeline and on a map, at one moment (${locale})`, async () => {
      const { marquee } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: 'Tidewater', 'zh-CN': '潮水' };
      const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL' });
      const at = (days) => hence(days * DAY_S);
      const only = (...include) => ({ territories: { include, exclude: [] } });
      const sold = await marquee.newAvail(title.id, { ...only('CN', 'HK'), start_at: at(-3), end_at: at(20) });
      await marquee.newOffer(sold.id);
      const opens_at = at(6);
      await marquee.newAvail(title.id, { ...only('US', 'CA'), license_type: 'avod', description: null, start_at: opens_at, end_at: null });
      const party = await marquee.operate('POST', '/parties', { name: words.party, kind: 'partner' });
      const carriage = { kind: 'platform', license_type: 'vod', price: null };
      const exclusivity = { with_us: false, with: [], media: [] };
      const deal = await marquee.operate('POST', `/titles/${title.id}/deals`, {
        ...only('JP'), party_id: party.id, carriage, exclusivity, start_at: at(-0.1), end_at: at(9), zone: 'Asia/Tokyo',
      });
      await marquee.operate('POST', `/titles/${title.id}/holdbacks`, {
        ...only('US'), party: words.circuit, event: { kind: 'cinema_opening', opens_at: at(2), zone: 'America/New_York' }, lag_days: 3, license_types: [],
      });

      const viewport = { width: words.width, height: 900 };
      const look = { locale, viewport, colorScheme: words.colorScheme, bypassCSP: true, reducedMotion: 'reduce' };
      const page = await openConsole(world, `/console/titles/${title.id}?tab=windows`, look);
      const map = page.locator('[data-map]');
      const tile = (code) => map.locator(`[data-territory=${code}]`);
      await page.getByRole('button', { name: words.alone }).waitFor();
      await page.getByRole('button', { name: words.held }).waitFor();
      await page.getByText(words.legend, { exact: true }).first().waitFor();
      await tile('JP').and(map.locator('[data-standing=given]')).waitFor();
      assert.equal(await map.locator('[data-territory]').count(), 249);
      assert.equal(await tile('CN').getAttribute('title'), words.for_sale);
      assert.equal(await tile('US').getAttribute('title'), words.held_tile);
      assert.equal(await tile('FR').getAttribute('data-standing'), 'none');
      await lookAt(page, `release-${locale}`);
      await lookOtherwise(page, `release-${locale}`, look);

      // A bar leads to its deal; the keys lead the moment, and the map follows it.
      await page.locator(`[data-deal-bar="${deal.id}"]`).press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.id), `deal-${deal.id}`);
      const moment = page.locator('[data-moment]');
      const before = Date.parse(await moment.getAttribute('data-moment'));
      await moment.press('PageUp');
      await moment.press('Shift+ArrowLeft');
      assert.equal(Date.parse(await moment.getAttribute('data-moment')), before + 6 * DAY_S * 1000);
      await tile('US').and(map.locator('[data-standing=later]')).waitFor();
      await map.getByRole('button', { name: words.after }).click();
      await tile('US').and(map.locator('[data-standing=free]')).waitFor();
      assert.equal(await moment.getAttribute('data-moment'), opens_at, 'the change is the opening, to the millisecond');

      // Keys lead from tile to tile, and what the tile says is what the entitlement answers.
      await tile('CN').click();
      await tile('CN').press('ArrowRight');
      assert.equal(await page.evaluate(() => document.activeElement.dataset.territory), 'KP');
      await tile('US').click();
      assert.equal(await tile('US').getAttribute('title'), words.free);
      await map.getByRole('button', { name: words.ask }).click();
      await page.locator('[data-machine]').getByText(words.watches).first().waitFor();
      await picture(page, `release-later-${locale}`);

      // At that moment and there: who watches, and who would if the window opened a day later. Nothing is written.
      await page.locator('li.avod').getByRole('button', { name: words.edit }).click();
      const start = page.locator('dialog[open]').getByLabel(words.starts);
      assert.equal(await page.locator('[data-under-change]').count(), 0, 'nothing is changed yet');
      const a_day_later = new Date(Date.parse(`${await start.inputValue()}Z`) + DAY_S * 1000);
      await start.fill(a_day_later.toISOString().slice(0, 16));
      const stranger = page.locator('[data-under-change] tbody tr').first();
      await stranger.locator('td').nth(0).getByText(words.watches).waitFor();
      await stranger.locator('td').nth(1).getByText(words.waits).waitFor();
      await page.locator('[data-under-change] details').scrollIntoViewIfNeeded();
      await lookAt(page, `release-under-change-${locale}`, { whole: false });
      await page.keyboard.press('Escape');
      const { data } = await marquee.operate('GET', `/titles/${title.id}/avails`);
      assert.ok(data.some((avail) => avail.start_at === opens_at), 'the window opens when it did');
      await close(page);
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}
