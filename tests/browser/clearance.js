// The licence desk in the console: a Chinese title from its planning to its revocation, and what its page says then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, openPage } from './chromium.js';
import { openConsole } from './console_house.js';
import { picture } from './looks.js';
import { hence } from './marquee.js';

const NUMBER = '电审故字〔2027〕第12号';
const WORDS = {
  'en-GB': {
    planning: 'Planning filing number', plan: 'Record planning', submit: 'Submitted for review', number: 'Number', kind: 'Kind',
    save: 'Save licence', confirm: 'Confirm the licence', revoke: 'Licence was revoked', reason: 'Reason', width: 390, colorScheme: 'dark',
    gone: 'The release licence of this film has been revoked.', give: 'Refund all of them', filter: 'Clearance in China', state: 'Licence revoked',
  },
  'zh-CN': {
    planning: '规划备案号', plan: '登记规划备案', submit: '成片已送审', number: '编号', kind: '类别', save: '保存许可',
    confirm: '核实许可', revoke: '许可被撤销', reason: '原因', width: 1440, colorScheme: 'light',
    gone: '这部影片的发行许可已被撤销', give: '全部退款', filter: '国内合规状态', state: '许可已撤销',
  },
};

export function clearance(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`a Chinese title is planned, licensed, sold and revoked (${locale})`, async () => {
      const { marquee, browser } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: 'Paper Kite', 'zh-CN': '纸鸢行动' };
      const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'CN' });
      const avail = await marquee.newAvail(title.id, { start_at: hence(-3600), end_at: hence(24 * 3600) });
      const viewport = { width: words.width, height: 1000 };
      const { colorScheme } = words;
      const page = await openConsole(world, `/console/titles/${title.id}?tab=film`, { locale, viewport, colorScheme });
      const desk = page.locator('[data-compliance]');
      const stands = async (state) => {
        await page.locator(`[data-compliance=${state}]`).waitFor();
        await desk.scrollIntoViewIfNeeded();
        await picture(page, `clearance-${state}-${locale}`);
      };
      const press = (text) => desk.getByRole('button', { name: text, exact: true }).click();
      await stands('none');
      await desk.getByLabel(words.planning).fill('V31001572104501');
      await press(words.plan);
      await stands('planned');
      await press(words.submit);
      await stands('in_review');
      await page.getByLabel(words.kind).selectOption('theatrical_release');
      await page.getByLabel(words.number, { exact: true }).fill(NUMBER);
      await page.getByRole('button', { name: words.save }).click();
      const dialog = page.locator('dialog[open]');
      const answered = async (text) => {
        await dialog.waitFor();
        await picture(page, `clearance-dialog-${text === words.give ? 'give' : text === words.revoke ? 'revoke' : 'confirm'}-${locale}`, { whole: false });
        await dialog.getByRole('button', { name: text, exact: true }).click();
      };
      await press(words.confirm);
      await answered(words.confirm);
      await stands('licensed');
      const offer = await marquee.newOffer(avail.id);
      const viewer = await marquee.newViewer();
      await marquee.call('POST', '/purchases', {
        token: viewer.api_token,
        headers: { 'idempotency-key': crypto.randomUUID() },
        body: { offer_id: offer.id, payment: { method: 'sandbox', outcome: 'paid' } },
      });
      await press(words.revoke);
      await dialog.getByLabel(words.reason).fill('an order of the regulator');
      await answered(words.revoke);
      await page.locator('[data-refunds-due="1"]').waitFor();
      await stands('revoked');
      await press(words.give);
      await answered(words.give);
      await page.locator('[data-refunds-due="0"]').waitFor();
      const { data } = await marquee.operate('GET', `/purchases?title_id=${title.id}`);
      assert.deepEqual(data.map((order) => order.status), ['refunded']);

      // Among all titles it is found by where it stands.
      await page.goto(`${marquee.url}/console/titles`);
      const row = page.locator('tr[data-row]').filter({ has: page.locator(`a[href$="${title.id}"]`) });
      await row.waitFor();
      await page.getByLabel(words.filter).selectOption('licensed');
      await page.waitForURL(/licence_state=licensed/);
      await row.waitFor({ state: 'detached' });
      await page.getByLabel(words.filter).selectOption('revoked');
      await page.waitForURL(/licence_state=revoked/);
      await row.getByText(words.state).first().waitFor();
      await picture(page, `clearance-titles-${locale}`);
      assert.deepEqual(page.faults, []);
      await close(page);

      const shop = await openPage(browser, marquee, { locale, viewport, colorScheme });
      await shop.goto(`${marquee.url}/title/${title.id}`);
      await shop.getByText(words.gone).first().waitFor();
      await picture(shop, `clearance-page-${locale}`, { whole: false });
      await close(shop);
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}
