// A series that is had episode by episode: how an operator sells it and gives coins, and what viewers do with them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cameIn, close, fillSignIn, openPage, phase, playedBeyond } from './chromium.js';
import { openConsole } from './console_house.js';
import { hence } from './marquee.js';
import { lookAt, lookOtherwise } from './looks.js';

const DAY_S = 24 * 3600;
const PARTS = 6;
const WORDS = {
  'en-GB': {
    none: /^Not a series/, free: 'Free from the first', coins: 'Coins for each of the others', rewarded: 'For advertising, a day', wrong: /1 to 100000\.$/,
    sell: 'Sell by the episode', now: /The first 2 free, the others for 60 coins each/, openings: 'When single parts open', part: /^Episode 6/,
    save_openings: 'Save openings', one_set: '1 is set', add: 'Add coins', count: 'Coins', cost: /^Paid for all of them/,
    note: 'Where they come from', note_missing: /in a few words/, take_back: 'Take back', reason: 'Reason', taken_back: 'Taken back',
    balance: (coins) => `${coins} to spend`, terms: 'Episodes 1–2 are free, then 60 coins each.', free_label: /^Episode 2, Free/,
    locked_label: /^Episode 3, locked, 60 coins$/, later_label: /^Episode 6, opens /, here: /you left off here/, unlock: 'Unlock for 60 coins',
    unlock_more: 'Unlock for 80 coins', became: /from 60 coins to 80 coins/, missing: /20 coins missing/, ad: /1 more today/,
    auto: 'Unlock the next ones without asking', yes: 'May watch', unlocked: 'because the episode was unlocked', width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    none: /^未按集售卖/, free: '免费集数', coins: '其余每集金币', rewarded: '每日广告解锁集数', wrong: /^请填写 1 至 100000/,
    sell: '按集售卖', now: /前 2 集免费，其余每集 60 金币/, openings: '单集开放时间', part: /^第 6 集/,
    save_openings: '保存开放时间', one_set: '已设 1 集', add: '发放金币', count: '金币数量', cost: /^合计实付/,
    note: '来源', note_missing: /^请简要填写/, take_back: '收回', reason: '原因', taken_back: '已收回',
    balance: (coins) => `可用 ${coins}`, terms: '第 1–2 集免费，之后每集 60 金币。', free_label: /^第 2 集，免费/,
    locked_label: /^第 3 集，未解锁，60 金币$/, later_label: /^第 6 集，.*开放$/, here: /上次看到这里/, unlock: '60 金币解锁',
    unlock_more: '80 金币解锁', became: /由 60 金币变为 80 金币/, missing: /还差 20 金币/, ad: /还可解锁 1 集/,
    auto: '自动解锁后续剧集', yes: '可以观看', unlocked: '凭单集解锁', width: 1440, colorScheme: 'light',
  },
};

export function series(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    const viewport = { width: words.width, height: 900 };
    const look = { locale, colorScheme: words.colorScheme, viewport, bypassCSP: true, reducedMotion: 'reduce' };
    const cell = (page, part) => page.locator(`button[data-part="${part}"]`);
    const sheet = (page) => page.locator('dialog[open] [data-step]');

    /** A picture in this look; the other width and appearance are judged too. */
    async function picture(page, name, options) {
      await lookAt(page, `series-${name}-${locale}`, options);
      await lookOtherwise(page, `series-${name}-${locale}`, look);
    }

    test(`a series is sold by the episode, and its episodes are unlocked for coins (${locale})`, async () => {
      const { marquee, browser } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('free').id}`);
      const title = await newSeries(marquee, assets[0], PARTS);
      const viewer = await marquee.newViewer();
      const { id: viewer_id } = (await marquee.call('GET', '/me', { token: viewer.api_token })).viewer;
      const wallet = () => marquee.call('GET', '/me/wallet', { token: viewer.api_token });

      const desk = await openConsole(world, `/console/titles/${title.id}?tab=film`, look);
      const panel = desk.locator('[data-episodes]');
      await panel.getByText(words.none).waitFor();
      await panel.getByLabel(words.free).fill('2');
      await panel.getByLabel(words.coins).fill('0');
      await panel.getByLabel(words.rewarded).fill('1');
      await panel.getByRole('button', { name: words.sell }).click();
      await panel.getByText(words.wrong).waitFor();
      await panel.getByLabel(words.coins).fill('60');
      await panel.getByRole('button', { name: words.sell }).click();
      await panel.getByText(words.now).waitFor();
      await panel.getByText(words.openings).click();
      await panel.getByLabel(words.part).fill(hence(30 * DAY_S).slice(0, 16));
      await panel.getByRole('button', { name: words.save_openings }).click();
      await panel.getByText(words.one_set).waitFor();
      await panel.scrollIntoViewIfNeeded();
      await picture(desk, 'console-terms');

      await desk.goto(`${marquee.url}/console/viewers/${viewer_id}`);
      await addCoins(desk, { coins: '100' });
      await desk.getByText(words.balance(100)).waitFor();
      await addCoins(desk, { coins: '60', cost: '6' });
      await desk.getByText(words.balance(160)).waitFor();

      // Two tabs play one unlocked episode one at a time: the other is refused.
      const shop = await openPage(browser, marquee, { ...look, expected: [403] });
      await cameIn(shop, marquee, viewer);
      await shop.goto(`${marquee.url}/title/${title.id}`);
      await shop.getByText(words.terms).waitFor();
      for (const [part, label] of [[2, words.free_label], [3, words.locked_label], [6, words.later_label]]) {
        assert.match(await cell(shop, part).getAttribute('title'), label);
      }
      await picture(shop, 'grid');

      // From the end of a free one on into a locked one.
      await cell(shop, 2).click();
      await playedBeyond(shop, 1);
      await shop.keyboard.press('9');
      await shop.locator('[data-next=locked]').waitFor({ timeout: 60_000 });
      await picture(shop, 'next', { whole: false });
      await shop.locator('[data-next=locked]').getByRole('button', { name: words.unlock }).click();
      await sheet(shop).waitFor();
      assert.equal((await wallet()).coins, 160, 'nothing is taken before the price was seen');
      await picture(shop, 'sheet', { whole: false });
      await sheet(shop).getByRole('button', { name: words.unlock }).click();
      await phase(shop, 'playing').waitFor({ timeout: 60_000 });
      await playedBeyond(shop, 1);
      assert.equal((await wallet()).coins, 100);
      await shop.goto(`${marquee.url}/title/${title.id}`);
      await shop.locator('button[data-part="3"][data-part-state=yours]').waitFor();

      // Two tabs want the same one.
      const tabs = [shop, await shop.context().newPage()];
      for (const tab of tabs) {
        await tab.goto(`${marquee.url}/title/${title.id}`);
        await cell(tab, 4).and(tab.locator('[data-part-state=locked]')).click();
        await sheet(tab).getByRole('button', { name: words.unlock }).waitFor();
      }
      await Promise.all(tabs.map((tab) => sheet(tab).getByRole('button', { name: words.unlock }).click()));
      await Promise.all(tabs.map((tab) => sheet(tab).waitFor({ state: 'detached' })));
      assert.equal((await wallet()).coins, 40, 'it is paid for once');
      await Promise.any(tabs.map((tab) => phase(tab, 'playing').waitFor({ timeout: 60_000 })));
      await tabs[1].close();

      // Somebody who is not signed in is asked who they are, and then has too few coins.
      const guest = await openPage(browser, marquee, look);
      await guest.goto(`${marquee.url}/title/${title.id}`);
      await cell(guest, 5).and(guest.locator('[data-part-state=locked]')).click();
      await fillSignIn(sheet(guest), viewer);
      await sheet(guest).getByText(words.missing).waitFor();
      await sheet(guest).getByText(words.ad).waitFor();
      assert.equal(await sheet(guest).getByRole('button').count(), 0, 'nothing can be pressed that leads nowhere');
      await picture(guest, 'too-few', { whole: false });
      await close(guest);

      // The price changes in front of whoever has seen the old one.
      await marquee.operate('POST', `/viewers/${viewer_id}/coin-lots`, { kind: 'bonus', coins: 200, note: 'more' }, { 'idempotency-key': crypto.randomUUID() });
      const late = await openPage(browser, marquee, { ...look, expected: [403, 409] });
      await cameIn(late, marquee, viewer);
      await late.goto(`${marquee.url}/title/${title.id}`);
      await cell(late, 5).and(late.locator('[data-part-state=locked]')).click();
      await sheet(late).getByRole('button', { name: words.unlock }).waitFor();
      await marquee.operate('PATCH', `/titles/${title.id}`, { episodes: { free: 2, coins: 80, rewarded_per_day: 1 } });
      await sheet(late).getByRole('button', { name: words.unlock }).click();
      await sheet(late).getByText(words.became).waitFor();
      await sheet(late).getByRole('button', { name: words.unlock_more }).waitFor();
      assert.equal((await wallet()).coins, 240);
      await picture(late, 'price-changed', { whole: false });

      // Who wants never to be asked is not.
      await late.goto(`${marquee.url}/account`);
      await late.getByRole('switch', { name: words.auto }).check();
      await late.waitForFunction(async () => (await (await fetch('/api/v1/me/wallet')).json()).auto_unlock);
      await picture(late, 'account');
      await shop.goto(`${marquee.url}/account`);
      await late.goto(`${marquee.url}/title/${title.id}`);
      await cell(late, 5).and(late.locator('[data-part-state=locked]')).click();
      // It never cost so much before.
      await sheet(late).getByRole('button', { name: words.unlock_more }).waitFor();
      await marquee.operate('PATCH', `/titles/${title.id}`, { episodes: { free: 2, coins: 60, rewarded_per_day: 1 } });
      await late.reload();
      await cell(late, 5).and(late.locator('[data-part-state=locked]')).click();
      await phase(late, 'playing').waitFor({ timeout: 60_000 });
      assert.equal(await sheet(late).count(), 0);
      assert.equal((await wallet()).coins, 180);
      await late.goto(`${marquee.url}/account`);
      await close(late);

      await desk.reload();
      await desk.getByText(words.balance(180)).waitFor();
      await desk.getByRole('button', { name: words.take_back }).first().click();
      await desk.locator('dialog[open]').getByLabel(words.reason).fill('paid back');
      await desk.locator('dialog[open]').getByRole('button', { name: words.take_back }).click();
      await desk.getByText(words.taken_back, { exact: true }).first().waitFor();
      await picture(desk, 'console-wallet');
      await desk.goto(`${marquee.url}/console/explain?title=${title.id}&part=3&viewer=${viewer_id}&territory=CN`);
      await desk.getByText(words.unlocked).waitFor();
      await picture(desk, 'console-explain');
      assert.deepEqual(desk.faults, []);
      await desk.context().close();
      await close(shop);
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });

      async function addCoins(page, { coins, cost }) {
        await page.getByRole('button', { name: words.add }).click();
        const dialog = page.locator('dialog[open]');
        const send = dialog.getByRole('button', { name: words.add });
        if (cost) {
          await dialog.locator('input[value=paid]').check();
          await dialog.getByLabel(words.cost).last().fill(cost);
        }
        await dialog.getByLabel(words.count, { exact: true }).fill(coins);
        await send.click();
        await dialog.getByText(words.note_missing).waitFor();
        await dialog.getByLabel(words.note).fill('a browser test');
        if (cost) await picture(page, 'console-coins', { whole: false });
        await send.click();
        await dialog.waitFor({ state: 'detached' });
      }
    });

    test(`many episodes stand in a grid (${locale})`, async () => {
      const { marquee, browser } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('free').id}`);
      const title = await newSeries(marquee, assets[0], 84, {
        episodes: { free: 10, coins: 60 },
        part_opens_at: Array.from({ length: 84 }, (_, i) => (i < 72 ? null : hence(i * DAY_S))),
      });
      const viewer = await marquee.newViewer();
      const body = { part: 7, position_ms: 12_000, duration_ms: 30_000 };
      await marquee.call('PUT', `/progress/${title.id}`, { token: viewer.api_token, body });
      const page = await openPage(browser, marquee, look);
      await cameIn(page, marquee, viewer);
      await page.goto(`${marquee.url}/title/${title.id}`);
      await cell(page, 84).and(page.locator('[data-part-state=later]')).waitFor();
      assert.equal(await page.locator('button[data-part]').count(), 84);
      assert.match(await page.locator('[aria-current=true]').getAttribute('title'), words.here);
      await picture(page, 'grid-84');
      await close(page);
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}

/** A live series of `parts` times one film, with an open window. */
async function newSeries(marquee, asset_id, parts, terms = {}) {
  const name = { en: 'The Lantern Letters', 'zh-CN': '灯笼来信' };
  const synopsis = { en: 'A letter a night, and nobody knows from whom.', 'zh-CN': '每晚一封信，无人知道来自谁。' };
  const assets = Array(parts).fill(asset_id);
  const title = await marquee.operate('POST', '/titles', { name, synopsis, assets, status: 'live', country: 'NL', rank: 100, ...terms });
  await marquee.newAvail(title.id, { start_at: hence(-DAY_S), end_at: hence(60 * DAY_S) });
  return title;
}
