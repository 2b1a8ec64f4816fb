// Accounts of other parties: one is invited on the page of operators, and finds its own titles, deals and codes behind the
// same door, the key of a package once it opens, and nothing of the operators' console or of anybody else's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enter, openConsole } from './console_house.js';
import { lookAt } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const KEY = '000102030405060708090a0b0c0d0e0f';
const WORDS = {
  'en-GB': {
    invite: 'Invite', name: 'Name', email: 'Email', partner: /^Partner/, whose: 'Whose account',
    titles: 'Titles', deals: 'Deals', codes: 'Codes', outages: 'Outages', unreported: 'Opening not reported',
    agreed: 'As agreed', report: 'Report the premiere', on_time: 'Opened as agreed', take: 'Take the key', given_out: /from the opening on/,
    no_page: 'There is no such page', gone: 'There is no such title any more.', windows: 'Windows of the house',
    sales: 'Sales', platform: 'Tern Video', producer: 'Heron Pictures', width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    invite: '邀请', name: '姓名', email: '邮箱', partner: /^合作方/, whose: '所属合作方',
    titles: '影片', deals: '合作', codes: '兑换码', outages: '故障', unreported: '未回报首映',
    agreed: '与约定一致', report: '回报首映', on_time: '准时首映', take: '领取密钥', given_out: /开映之后发放/,
    no_page: '没有这个页面', gone: '影片已不存在。', windows: '平台窗口期',
    sales: '销售', platform: '燕鸥视频', producer: '苍鹭影业', width: 1440, colorScheme: 'light',
  },
};

export function parties(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`another party finds its own in the console, and nothing else (${locale})`, async () => {
      const { marquee } = world;
      const look = { locale, viewport: { width: words.width, height: 1000 }, colorScheme: words.colorScheme, reducedMotion: 'reduce' };
      const platform = await marquee.operate('POST', '/parties', { name: words.platform, kind: 'partner' });
      const producer = await marquee.operate('POST', '/parties', { name: words.producer, kind: 'producer' });
      const title = await marquee.operate('POST', '/titles', {
        name: { en: 'Slack Water', 'zh-CN': '平潮' },
        assets: (await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`)).assets,
        status: 'live',
        country: 'NL',
        producers: [producer.id],
      });
      await marquee.newAvail(title.id, { start_at: hence(10 * DAY_S), end_at: null });
      const newDeal = async (start_s, end_s) => {
        const deal = await marquee.operate('POST', `/titles/${title.id}/deals`, {
          party_id: platform.id,
          carriage: { kind: 'platform', license_type: 'vod', price: { amount: 1800, currency: 'CNY' } },
          territories: { include: ['CN'], exclude: [] },
          start_at: hence(start_s),
          end_at: hence(end_s),
          zone: 'Asia/Shanghai',
        });
        await marquee.operate('PUT', `/deals/${deal.id}/package-key`, { package: 'slack-water.cpix', key: KEY });
        return deal;
      };
      const open = await newDeal(-3600, DAY_S);
      const ahead = await newDeal(5 * DAY_S, 6 * DAY_S);

      // The owner invites the platform.
      const house = await openConsole(world, '/console/settings', look);
      const dialog = house.locator('dialog[open]');
      const email = `${locale}-${Date.now()}@partner.example`;
      await house.getByRole('button', { name: words.invite }).first().click();
      await dialog.getByLabel(words.name, { exact: true }).fill('Sander');
      await dialog.getByLabel(words.email).fill(email);
      await dialog.getByRole('radio', { name: words.partner }).check();
      await dialog.getByLabel(words.whose).selectOption(platform.id);
      await lookAt(house, `parties-invite-${locale}`, { whole: false });
      await dialog.getByRole('button', { name: words.invite }).click();
      const link = await dialog.locator('code').innerText();
      assert.deepEqual(house.faults, []);
      await house.context().close();

      // It comes in by the door of the operators, to a console of its own.
      const session = await enter(marquee, link, { name: 'Sander', email });
      const page = await openConsole(world, '/console', { ...look, as: session, expected: [403, 404] });
      const row = page.locator('tr[data-row]');
      await row.filter({ hasText: locale === 'zh-CN' ? '平潮' : 'Slack Water' }).waitFor();
      assert.equal(new URL(page.url()).pathname, '/console/titles');
      const pages = await page.locator('nav').filter({ visible: true }).first().getByRole('link').allInnerTexts();
      assert.deepEqual(pages.map((text) => text.split('\n')[0].trim()), [words.titles, words.deals, words.codes, words.outages]);
      await lookAt(page, `parties-titles-${locale}`);
      for (const path of ['/console/orders', '/console/settings', '/console/partners']) {
        await page.goto(`${marquee.url}${path}`);
        await page.getByText(words.no_page).waitFor();
      }
      await page.goto(`${marquee.url}/console/titles/${marquee.title('member').id}`);
      await page.getByText(words.gone).waitFor();

      // What has opened is reported, and its package opens; what has not counts down.
      await page.goto(`${marquee.url}/console/deals/${open.id}`);
      await page.getByText(words.unreported).waitFor();
      await page.getByRole('button', { name: words.agreed }).click();
      await page.getByRole('button', { name: words.report }).click();
      await page.getByText(words.on_time).waitFor();
      await page.getByRole('button', { name: words.take }).click();
      await page.getByText(KEY).waitFor();
      await lookAt(page, `parties-deal-${locale}`);
      await page.goto(`${marquee.url}/console/deals/${ahead.id}`);
      await page.locator('[data-package-key]').getByText(words.given_out).waitFor();
      assert.equal(await page.getByRole('button', { name: words.take }).count(), 0);
      for (const path of ['codes', 'outages']) {
        await page.goto(`${marquee.url}/console/${path}`);
        await page.getByRole('heading', { level: 1, name: words[path] }).waitFor();
      }
      assert.deepEqual(page.faults, []);
      await page.context().close();

      // The producer sees all of the release, and what it earns.
      const who = { name: 'Imke', email: `${locale}-${Date.now()}@producer.example` };
      const made = await marquee.operate('POST', '/operators', { ...who, role: 'party', party_id: producer.id });
      const desk = await openConsole(world, `/console/titles/${title.id}`, { ...look, as: await enter(marquee, made.link, who) });
      await desk.getByRole('heading', { name: words.windows }).waitFor();
      await desk.getByRole('cell', { name: words.platform }).first().waitFor();
      await lookAt(desk, `parties-release-${locale}`);
      await desk.getByRole('link', { name: words.sales }).click();
      await desk.locator('.sales').waitFor();
      assert.equal(await desk.getByRole('link', { name: words.codes }).count(), 0, 'a producer sells no codes');
      assert.deepEqual(desk.faults, []);
      await desk.context().close();
    });
  }
}
