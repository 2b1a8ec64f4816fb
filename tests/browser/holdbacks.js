// Holdbacks in the console: a contract that the plan does not keep, one that it keeps, a window that is refused, the end of a
// promise, and a window that keeps languages and rungs back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close } from './chromium.js';
import { openConsole } from './console_house.js';
import { picture } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const WORDS = {
  'en-GB': {
    add: 'Add holdback', party: 'Party', lag: 'Days after that', opens: /Opening in cinemas/, early: 'A window opens too early for it',
    end: 'End holdback', none: 'Nothing is held back.', cannot: 'This cannot be saved as it is', add_window: 'Add window',
    start: /^Start/, width: 390, colorScheme: 'dark', elsewhere: 'The opening of a window elsewhere', territory: 'Territory of that window',
    unplanned: 'What it waits for is not planned',
    of_deal: 'The opening of a deal, wherever that is moved', follows: (party) => new RegExp(`The deal of ${party} opens \\d`),
    only: 'Only these', language: 'Add a language', use: 'For', sub: 'subtitles only', add_one: 'Add',
    format: 'Tallest picture', kept: 'Only English (subtitles only), Cantonese', most: 'HD at most',
  },
  'zh-CN': {
    add: '添加限制期', party: '约定方', lag: '之后天数', opens: /影院上映时间/, early: '有窗口期开始过早', end: '终止限制期',
    none: '没有限制期。', cannot: '无法保存', add_window: '添加窗口期', start: /^开始/, width: 1440, colorScheme: 'light',
    of_deal: '某项合作开始，随其调整', follows: (party) => new RegExp(`与${party}的合作于 \\d`),
    elsewhere: '另一窗口期开始', territory: '该窗口期所在地区', unplanned: '所依据的窗口期尚未排定',
    only: '仅限以下语言', language: '添加语言', use: '用于', sub: '仅字幕', add_one: '添加', format: '最高清晰度',
    kept: '仅限英语（仅字幕）、粤语', most: '最高高清',
  },
};

export function holdbacks(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`what a circuit was promised is kept (${locale})`, async () => {
      const { marquee } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: 'Fog Harbour', 'zh-CN': '雾港孤刀' };
      const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL' });
      await marquee.newAvail(title.id, { start_at: hence(10 * DAY_S), end_at: null });
      const viewport = { width: words.width, height: 1000 };
      const { colorScheme } = words;
      const page = await openConsole(world, `/console/titles/${title.id}?tab=windows`, { locale, viewport, colorScheme });
      const desk = page.locator('[data-holdbacks]');
      const dialog = page.locator('dialog[open]');
      const shot = (what) => picture(page, `holdbacks-${what}-${locale}`);
      await desk.getByText(words.none).waitFor();
      await shot('none');

      await desk.getByRole('button', { name: words.add }).click();
      await dialog.getByLabel(words.party, { exact: true }).fill('横店院线');
      await dialog.getByLabel(words.opens).fill(hence(3 * DAY_S).slice(0, 16));
      await dialog.getByLabel(words.lag).fill('17');
      await dialog.getByRole('button', { name: words.add }).click();
      await dialog.getByText(words.early).waitFor();
      await shot('conflict');
      await dialog.getByLabel(words.lag).fill('6');
      await dialog.getByRole('button', { name: words.add }).click();
      await desk.getByText('横店院线').first().waitFor();
      assert.equal(await desk.locator('[data-holdback]').count(), 1);

      await desk.getByRole('button', { name: words.add }).click();
      await dialog.getByLabel(words.party, { exact: true }).fill('Kestrel Pictures');
      await dialog.getByText(words.elsewhere).click();
      await dialog.getByLabel(words.territory).fill('United States');
      await shot('sheet');
      await dialog.getByRole('button', { name: words.add }).click();
      await dialog.getByText(words.early).waitFor();
      await page.keyboard.press('Escape');

      // What would open too early says so before it is saved.
      await page.getByRole('button', { name: words.add_window }).first().click();
      await dialog.getByRole('radio').nth(1).check();
      await dialog.getByLabel(words.start).fill(hence(2 * DAY_S).slice(0, 16));
      await dialog.getByText(words.cannot).waitFor();
      await dialog.getByText('HELD_BACK').first().waitFor();
      await shot('window');
      await page.keyboard.press('Escape');
      await shot('kept');

      await desk.getByRole('button', { name: words.end }).click();
      await dialog.getByRole('button', { name: words.end }).click();
      await desk.getByText(words.none).waitFor();
      await page.getByRole('button', { name: words.add_window }).first().click();
      await dialog.getByRole('radio').nth(1).check();
      await dialog.getByLabel(words.start).fill(hence(20 * DAY_S).slice(0, 16));
      const languages = dialog.locator('[data-languages]');
      await languages.getByText(words.only).click();
      await languages.getByLabel(words.language).fill('yue');
      await languages.getByRole('button', { name: words.add_one, exact: true }).click();
      await languages.getByLabel(words.use).selectOption({ label: words.sub });
      await languages.getByLabel(words.language).fill('English');
      await languages.getByRole('button', { name: words.add_one, exact: true }).click();
      await dialog.getByLabel(words.format).selectOption('hd');
      await languages.scrollIntoViewIfNeeded();
      await shot('languages');
      await dialog.getByRole('button', { name: words.add_window }).click();
      await page.getByText(words.kept).waitFor();
      await page.getByText(words.most).waitFor();
      await shot('capped');

      // What counts from the deal of a circuit follows that.
      const circuit = await marquee.operate('POST', '/parties', { name: `中影 ${locale}`, kind: 'circuit' });
      const opening = { start_at: hence(5 * DAY_S), end_at: null, zone: 'Asia/Shanghai' };
      await marquee.operate('POST', `/titles/${title.id}/deals`, { party_id: circuit.id, carriage: { kind: 'cinema' }, territories: { include: ['CN'] }, ...opening });
      await page.reload();
      await desk.getByRole('button', { name: words.add }).click();
      await dialog.getByText(words.of_deal).click();
      await dialog.getByLabel(words.party, { exact: true }).fill(circuit.name);
      await shot('deal');
      await dialog.getByRole('button', { name: words.add }).click();
      await desk.getByText(words.follows(circuit.name)).waitFor();
      await shot('follows');

      // The two refusals show in the browser's console, as they have to.
      assert.equal(page.faults.filter((fault) => fault.includes('409 (Conflict)')).length, 2);
      page.faults.splice(0, page.faults.length, ...page.faults.filter((fault) => !fault.includes('409 (Conflict)')));
      await close(page);
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}
