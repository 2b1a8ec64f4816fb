// Others who show a title, in the console: a party is made, an exclusive deal meets our window and is met by one, a platform
// that has not reported its premiere stands on the board and on the overview until its opening is noted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close } from './chromium.js';
import { openConsole } from './console_house.js';
import { fits, picture } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const WORDS = {
  'en-GB': {
    add_party: 'Add party', name: 'Name', kind: 'What it is', signs: 'It signs for its viewers', issuer: 'Issuer', jwks: /JWKS/,
    no_issuer: 'Enter the issuer.', add: 'Add deal', none: 'Nobody else shows it.', party: 'Party', new_party: 'New party…',
    opens: /^Agreed opening/, ends: /^End/, alone: 'Nobody else, not even us', cannot: 'This cannot be saved as it is',
    ours: /Our window “PVOD” in China/, days: /\(2 days\)/, alone_said: 'Alone', add_window: 'Add window', start: /^Start/, window_end: /^End of sale/,
    exclusive: (party) => new RegExp(`meets what ${party} has alone`), unreported: 'Opening not reported', note: 'Note the opening',
    opened: /^When it really opened/, agreed: 'As agreed', save: 'Save', late: /^Opened 30 minutes late/, on_time: 'Opened as agreed', change: 'Change',
    home: (party) => new RegExp(`^${party} was to open .* has not said that it did`), home_late: (party) => new RegExp(`^${party} opened .* 30 minutes after`),
    new_batch: 'New vouchers', title: 'Title', sold_by: 'Sold by', count: 'How many', make: 'Make vouchers', television: 'On television',
    clearance: 'Say under what it may be broadcast', delete: 'Delete deal', revoke: 'Revoke deal', reason: /^Reason/, revoked: 'Revoked', distributor: 'Kestrel', platform: 'Reef', width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    add_party: '添加合作方', name: '名称', kind: '类别', signs: '由其为观众签发令牌', issuer: '签发者', jwks: /JWKS/,
    no_issuer: '请填写签发者。', add: '添加合作', none: '没有其他方放映本片。', party: '合作方', new_party: '新建合作方…',
    opens: /^约定开映时间/, ends: /^结束/, alone: '仅该方独播，本平台也不上', cannot: '无法保存',
    ours: /与本平台窗口期“PVOD”（中国）冲突/, days: /（2 天）/, alone_said: '独播', add_window: '添加窗口期', start: /^开始/, window_end: /^停售/,
    exclusive: (party) => new RegExp(`处于${party}的独播期`), unreported: '未回报首映', note: '登记实际首映',
    opened: /^实际首映时间/, agreed: '与约定一致', save: '保存', late: /^延迟 30分钟上线/, on_time: '准时首映', change: '调整',
    home: (party) => new RegExp(`在${party}首映，对方至今未回报`), home_late: (party) => new RegExp(`^${party}的.*延迟 30分钟`),
    new_batch: '生成兑换券', title: '影片', sold_by: '代售方', count: '数量', make: '生成', television: '电视展播',
    clearance: '请填写播出依据', delete: '删除合作', revoke: '撤销合作', reason: /^原因/, revoked: '已撤销', distributor: '青禾发行', platform: '海岸视频', width: 1440, colorScheme: 'light',
  },
};

export function partners(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`others who show a title are planned, and a premiere that is not as agreed is seen (${locale})`, async () => {
      const { marquee } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: 'Salt Road', 'zh-CN': '盐路' };
      const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL' });
      await marquee.newAvail(title.id, { start_at: hence(10 * DAY_S), end_at: null });
      const viewport = { width: words.width, height: 1000 };
      const { colorScheme } = words;
      const page = await openConsole(world, '/console/partners?tab=parties', { locale, viewport, colorScheme, reducedMotion: 'reduce', expected: [409] });
      const dialog = page.locator('dialog[open]');
      const shot = async (what) => {
        await picture(page, `partners-${what}-${locale}`);
        await fits(page, what);
      };
      const typed = (at) => at.slice(0, 16);

      // A party that was sold a territory, and who signs for it.
      await page.getByRole('button', { name: words.add_party }).first().click();
      await dialog.getByLabel(words.name, { exact: true }).fill(words.distributor);
      await dialog.getByLabel(words.kind).selectOption('distributor');
      await dialog.getByLabel(words.signs).check();
      await dialog.getByRole('button', { name: words.add_party }).click();
      await dialog.getByText(words.no_issuer).waitFor();
      await shot('party');
      await dialog.getByLabel(words.issuer).fill(`https://signer.example.com/${locale}`);
      await dialog.getByLabel(words.jwks).fill('https://signer.example.com/jwks.json');
      await dialog.getByRole('button', { name: words.add_party }).click();
      await page.getByRole('cell', { name: words.distributor }).first().waitFor();
      await shot('parties');

      // It is to have the title alone while we show it: refused, with the days.
      await page.goto(`${marquee.url}/console/titles/${title.id}?tab=windows`);
      const desk = page.locator('[data-deals]');
      await desk.getByText(words.none).waitFor();
      await desk.getByRole('button', { name: words.add }).click();
      await dialog.getByLabel(words.party, { exact: true }).selectOption({ label: await optionOf(dialog, words.party, words.distributor) });
      await dialog.getByRole('radio', { name: words.television }).check();
      await dialog.getByRole('button', { name: words.add }).click();
      await dialog.getByText(words.clearance).waitFor();
      await shot('broadcast');
      await dialog.getByRole('radio').first().check();
      const start = hence(5 * DAY_S);
      const end = hence(12 * DAY_S - 300);
      await dialog.getByLabel(words.opens).fill(typed(start));
      await dialog.getByLabel(words.ends).fill(typed(end));
      await dialog.getByRole('radio', { name: words.alone, exact: true }).check();
      await dialog.getByRole('button', { name: words.add }).click();
      const met = dialog.locator('[data-conflicts]');
      await met.getByText(words.ours).waitFor();
      await met.getByText(words.days).waitFor();
      await met.scrollIntoViewIfNeeded();
      await shot('refused');
      await dialog.getByLabel(words.ends).fill(typed(hence(8 * DAY_S)));
      await dialog.getByRole('button', { name: words.add }).click();
      await desk.getByText(words.distributor).first().waitFor();
      await desk.getByText(words.alone_said, { exact: true }).waitFor();

      // A window of ours in those days says so before it is saved.
      await page.getByRole('button', { name: words.add_window }).first().click();
      await dialog.getByLabel(words.start).fill(typed(hence(6 * DAY_S)));
      await dialog.getByLabel(words.window_end).fill(typed(hence(8 * DAY_S - 300)));
      await dialog.getByText(words.exclusive(words.distributor)).waitFor();
      await dialog.getByText('EXCLUSIVE').waitFor();
      await dialog.getByText(words.days).waitFor();
      await dialog.getByText('EXCLUSIVE').scrollIntoViewIfNeeded();
      await shot('window');
      await page.keyboard.press('Escape');

      // A platform that delivers by itself was to open an hour ago.
      const party = await marquee.operate('POST', '/parties', { name: words.platform, kind: 'partner' });
      const opened = `${typed(hence(-3600))}:00Z`;
      const deal = await marquee.operate('POST', `/titles/${title.id}/deals`, {
        party_id: party.id,
        carriage: { kind: 'platform', license_type: 'vod', price: { amount: 1800, currency: 'CNY' } },
        territories: { include: ['CN'], exclude: [] },
        start_at: opened,
        end_at: hence(DAY_S),
        zone: 'Asia/Shanghai',
      });
      assert.equal(deal.alarm, 'unreported');
      await page.goto(`${marquee.url}/console`);
      await page.getByText(words.home(words.platform)).waitFor({ timeout: 90_000 });
      await shot('home');
      await page.goto(`${marquee.url}/console/partners`);
      const row = page.locator('tr[data-row]', { hasText: words.platform });
      await row.getByText(words.unreported).waitFor();
      const rows = await page.locator('tr[data-row]').allTextContents();
      const place = (party) => rows.findIndex((text) => text.includes(party));
      assert.ok(place(words.platform) < place(words.distributor), 'the soonest comes first');
      await shot('board');

      await row.getByRole('button', { name: words.note }).click();
      await dialog.getByLabel(words.opened).fill(inZone(new Date(Date.parse(opened) + 1_800_000)));
      await shot('note');
      await dialog.getByRole('button', { name: words.save, exact: true }).click();
      await row.locator('[data-premiere=late]').getByText(words.late).waitFor();
      await shot('late');
      await page.goto(`${marquee.url}/console`);
      await page.getByText(words.home_late(words.platform)).waitFor({ timeout: 90_000 });
      await page.goto(`${marquee.url}/console/titles/${title.id}?tab=windows`);
      await desk.getByText(words.late).waitFor();
      await desk.scrollIntoViewIfNeeded();
      await shot('title');
      const kept = page.locator(`[data-deal="${deal.id}"]`);
      await kept.getByRole('button', { name: words.change }).click();
      await dialog.getByRole('button', { name: words.agreed }).click();
      await dialog.getByRole('button', { name: words.save, exact: true }).click();
      await kept.getByText(words.on_time).waitFor();

      // What has not begun may be deleted.
      const ahead = desk.locator('[data-deal]', { hasText: words.distributor });
      await ahead.getByRole('button', { name: words.change }).click();
      await dialog.getByRole('button', { name: words.delete }).click();
      await dialog.last().getByRole('button', { name: words.delete }).click();
      await ahead.waitFor({ state: 'detached' });

      // What has begun may be revoked.
      await kept.getByRole('button', { name: words.change }).click();
      await dialog.getByRole('button', { name: words.revoke }).click();
      await dialog.last().getByLabel(words.reason).fill('A browser test.');
      await shot('revoke');
      await dialog.last().getByRole('button', { name: words.revoke }).click();
      await kept.getByText(words.revoked, { exact: true }).waitFor();

      // A circuit that sells vouchers for us is named with them.
      await page.goto(`${marquee.url}/console/vouchers`);
      await page.getByRole('button', { name: words.new_batch }).first().click();
      await dialog.getByLabel(words.title, { exact: true }).selectOption(marquee.title('pvod').id);
      await dialog.getByLabel(words.sold_by).selectOption(party.id);
      await dialog.getByLabel(words.count).fill('1');
      await shot('vouchers');
      await dialog.getByRole('button', { name: words.make }).click();
      await page.getByRole('cell', { name: words.platform, includeHidden: true }).first().waitFor({ state: 'attached' });
      await close(page);

      await marquee.operate('PATCH', `/deals/${deal.id}`, { end_at: hence(0) });
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}

/** The text of the option that begins with this name. */
async function optionOf(scope, label, name) {
  const texts = await scope.getByLabel(label, { exact: true }).locator('option').allTextContents();
  return texts.map((text) => text.trim()).find((text) => text.startsWith(name));
}

/** As the clock of the deal's zone shows it. */
function inZone(at) {
  const text = new Date(at.getTime() + 8 * 3600 * 1000).toISOString();
  return text.slice(0, 16);
}
