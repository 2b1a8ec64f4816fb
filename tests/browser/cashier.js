// What is sold besides rentals: an operator makes products and a coupon, and viewers buy time as a member, coins, a bundle
// with the coupon, and a film for good. It has a storefront of its own, whose currency no other suite sells in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, cameIn, close, openPage, payBy, sheet } from './chromium.js';
import { openConsole } from './console_house.js';
import { lookAt, lookOtherwise, picture, resting } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const hkd = (amount) => ({ amount, currency: 'HKD' });
const WIDE = { locale: 'en-GB', colorScheme: 'light', viewport: { width: 1440, height: 1000 }, reducedMotion: 'reduce', bypassCSP: true };
const NARROW = { locale: 'zh-CN', colorScheme: 'dark', viewport: { width: 390, height: 900 }, reducedMotion: 'reduce', bypassCSP: true };

export function cashier(world) {
  test('an operator puts products on sale and makes a coupon', async () => {
    const { marquee } = world;
    const shop = (world.shop = await newShop(marquee));

    const desk = await openConsole(world, '/console/products', WIDE);
    const dialog = desk.locator('dialog[open]');
    const fill = (name, text) => dialog.getByRole('textbox', { name, exact: typeof name === 'string' }).fill(text);
    await desk.getByRole('heading', { name: 'Products' }).waitFor();
    await desk.getByRole('button', { name: 'New product' }).first().click();
    await dialog.getByRole('button', { name: 'Put on sale' }).click();
    await dialog.getByText('Give it a name.').waitFor();
    await fill('Name · Chinese', '一周会员');
    await fill('Name · English', 'A week as a member');
    await fill(/^Price/, '25');
    await fill('Currency', 'hkd');
    await fill('Days', '0');
    await dialog.getByText(/from 1 to 3,660/).waitFor();
    await fill('Days', '7');
    await lookAt(desk, 'cashier-console-membership', { whole: false });
    await dialog.getByRole('button', { name: 'Put on sale' }).click();
    await desk.getByRole('cell', { name: 'A week as a member', exact: true }).first().waitFor();

    await desk.getByRole('button', { name: 'New product' }).first().click();
    await dialog.getByText('Bundle', { exact: true }).click();
    await fill('Name · English', 'Two from the harbour');
    await fill('Name · Chinese', '海港双片');
    await fill('Currency', 'HKD');
    await fill(/^Price/, '24');
    await dialog.getByRole('button', { name: 'Put on sale' }).click();
    await dialog.getByText('A bundle has two titles at least.').waitFor();
    for (const title of [shop.kept, shop.rented]) {
      await dialog.getByLabel('Add a title').selectOption(title.id);
      await dialog.locator(`[data-bundled="${title.id}"]`).waitFor();
    }
    await dialog.locator(`[data-bundled="${shop.kept.id}"] select`).selectOption({ label: 'Rental · $18.00' });
    await dialog.getByText('One by one they cost $30.00.').waitFor();
    await lookAt(desk, 'cashier-console-bundle', { whole: false });
    await dialog.getByRole('button', { name: 'Put on sale' }).click();
    await desk.getByRole('cell', { name: 'Two from the harbour', exact: true }).first().waitFor();
    await lookAt(desk, 'cashier-console-products');
    await lookOtherwise(desk, 'cashier-console-products', WIDE);

    const { data } = await marquee.operate('GET', '/products');
    assert.deepEqual(data.slice(0, 2).map(({ gives, price, on_sale }) => [gives.kind, price, on_sale]), [
      ['bundle', hkd(2400), true], ['membership', hkd(2500), true],
    ]);
    shop.bundle = data[0];
    shop.week = data[1];
    await close(desk);

    const kiosk = await openConsole(world, '/console/coupons', { ...NARROW, expected: [409] });
    const form = kiosk.locator('dialog[open]');
    await kiosk.getByRole('button', { name: '新建优惠券' }).first().click();
    await form.getByRole('button', { name: '创建优惠券' }).click();
    await form.getByText(/请填写 1 至 100/).waitFor();
    const write = (name, text) => form.getByRole('textbox', { name, exact: true }).fill(text);
    await write('优惠码', 'harbour-25');
    await write('减免百分比 (%)', '25');
    await form.getByText('仅限以下', { exact: true }).click();
    await form.getByLabel('海港双片').check();
    await write('总使用次数', '10');
    await write('备注', '春季活动');
    await lookAt(kiosk, 'cashier-console-coupon', { whole: false });
    await form.getByRole('button', { name: '创建优惠券' }).click();
    await kiosk.getByText('HARBOUR-25', { exact: true }).first().waitFor();
    await kiosk.getByRole('button', { name: '新建优惠券' }).first().click();
    await write('优惠码', 'HARBOUR-25');
    await write('减免百分比 (%)', '10');
    await form.getByRole('button', { name: '创建优惠券' }).click();
    await form.getByText('该优惠码已存在。').waitFor();
    await form.getByRole('button', { name: '取消' }).click();
    await lookAt(kiosk, 'cashier-console-coupons');
    await lookOtherwise(kiosk, 'cashier-console-coupons', NARROW);
    await close(kiosk);
  });

  test('a viewer becomes a member for a film, and buys the coins that an episode lacks', async () => {
    const { marquee, browser, shop } = world;
    const viewer = await marquee.newViewer();
    const page = await openPage(browser, marquee, { ...NARROW, origin: shop.url });
    await cameIn(page, marquee, viewer, shop.url);
    await page.goto(`${shop.url}/title/${shop.member.id}`);
    await action(page, 'join').click();
    await sheet(page).and(page.locator('[data-step=choose]')).waitFor();
    await lookAt(page, 'cashier-join', { whole: false });
    await sheet(page).locator(`[data-product="${shop.week.id}"] button`).click();
    await payBy(page, 'paid');
    await sheet(page).locator('[data-paid=membership]').waitFor();
    await picture(page, 'cashier-member', { whole: false });
    await sheet(page).getByRole('button', { name: '稍后再看' }).click();
    await action(page, 'play').waitFor();

    await page.goto(`${shop.url}/title/${shop.series.id}`);
    await page.locator('button[data-part="2"][data-part-state=locked]').click();
    await sheet(page).locator('[data-product]').first().waitFor();
    await lookAt(page, 'cashier-packs', { whole: false });
    await sheet(page).locator(`[data-product="${shop.pack.id}"] button`).click();
    await payBy(page, 'paid');
    await sheet(page).locator('[data-paid=coins]').waitFor();
    await sheet(page).getByRole('button', { name: '返回剧集' }).click();
    await sheet(page).locator('[data-unlock] button').waitFor();
    await resting(page);
    await picture(page, 'cashier-unlock', { whole: false });
    const wallet = await marquee.call('GET', '/me/wallet', { token: viewer.api_token });
    assert.equal(wallet.coins, 120, 'nothing is spent before it is asked');

    await page.goto(`${shop.url}/account`);
    await page.locator('[data-membership]').waitFor();
    await page.locator('[data-wallet="120"]').waitFor();
    await lookAt(page, 'cashier-account');
    await lookOtherwise(page, 'cashier-account', NARROW);
    const membership = await marquee.call('GET', '/me/membership', { token: viewer.api_token });
    const before = Date.parse(membership.ends_at);
    await page.locator(`[data-product="${shop.week.id}"] button`).click();
    await payBy(page, 'paid');
    await sheet(page).locator('[data-paid=membership]').waitFor();
    const after = await marquee.call('GET', '/me/membership', { token: viewer.api_token });
    assert.equal(Date.parse(after.ends_at) - before, 7 * DAY_S * 1000, 'the weeks follow one another');
    await sheet(page).getByRole('button', { name: '完成' }).click();
    await page.goto(`${shop.url}/purchases`);
    await page.locator('[data-group=besides] [data-standing=coins]').waitFor();
    assert.equal(await page.locator('[data-standing=member]').count(), 2);
    await lookAt(page, 'cashier-purchases');
    await close(page);
  });

  test('a bundle with a coupon, and a film for good', async () => {
    const { marquee, browser, shop } = world;
    const viewer = await marquee.newViewer();
    const page = await openPage(browser, marquee, { ...WIDE, origin: shop.url, expected: [409] });
    await cameIn(page, marquee, viewer, shop.url);
    await page.goto(`${shop.url}/`);
    await page.locator(`[data-bundles] [data-product="${shop.bundle.id}"]`).waitFor();
    await lookAt(page, 'cashier-wall');

    await page.goto(`${shop.url}/title/${shop.kept.id}`);
    await page.locator('[data-offer][data-kind=buy]').waitFor();
    await page.locator('[data-offer][data-kind=rental]').waitFor();
    await page.locator(`[data-product="${shop.bundle.id}"]`).waitFor();
    await lookAt(page, 'cashier-title');
    await lookOtherwise(page, 'cashier-title', WIDE);
    await page.locator(`[data-product="${shop.bundle.id}"] button`).click();
    await sheet(page).getByText('I have a coupon').click();
    await sheet(page).getByLabel('Coupon code').fill('NO-SUCH');
    await sheet(page).getByLabel('Coupon code').press('Enter');
    await sheet(page).getByText(/There is no such coupon. Check it/).waitFor();
    await sheet(page).getByLabel('Coupon code').fill('harbour-25');
    await sheet(page).getByRole('button', { name: 'Apply' }).click();
    await sheet(page).locator('[data-to-pay="1800"]').waitFor();
    await lookAt(page, 'cashier-coupon', { whole: false });
    await payBy(page, 'paid');
    await sheet(page).locator('[data-paid=bundle]').waitFor();
    await picture(page, 'cashier-bundle', { whole: false });
    await sheet(page).getByRole('button', { name: 'Done' }).click();

    // What is rented may still be kept.
    await action(page, 'play').waitFor();
    await page.locator('[data-offer][data-kind=buy] button').click();
    await payBy(page, 'paid');
    await sheet(page).getByText(/is yours for good/).waitFor();
    await sheet(page).getByRole('button', { name: 'Later' }).click();
    await page.getByText('Yours for good. Watch it whenever you like.').waitFor();

    await page.goto(`${shop.url}/purchases`);
    await page.locator('[data-standing=forever]').waitFor();
    assert.equal(await page.locator('[data-standing=unstarted]').count(), 2, 'each film of the bundle');
    const { data } = await marquee.call('GET', '/purchases', { token: viewer.api_token });
    const bundle = data.find(({ product }) => product !== null);
    assert.deepEqual([bundle.price, bundle.discount, bundle.list_price], [hkd(1800), hkd(600), hkd(2400)]);
    await page.goto(`${shop.url}/purchases/${bundle.id}`);
    await page.getByText('Coupon discount').waitFor();
    await lookAt(page, 'cashier-receipt');
    await close(page);

    const desk = await openConsole(world, `/console/orders/${bundle.id}`, WIDE);
    await desk.locator('[data-given=grants] h3').nth(1).waitFor();
    await desk.getByRole('link', { name: 'HARBOUR-25' }).waitFor();
    await lookAt(desk, 'cashier-console-order');
    await desk.getByRole('link', { name: 'HARBOUR-25' }).click();
    await desk.getByText('1 of 10').waitFor();
    await desk.goto(`${marquee.url}/console/titles/${shop.kept.id}?tab=windows`);
    await desk.getByText('For good (EST)').waitFor();
    await picture(desk, 'cashier-console-est');
    await desk.goto(`${marquee.url}/console/products`);
    const row = desk.getByRole('row').filter({ hasText: 'Two from the harbour' });
    await row.getByRole('button', { name: /^Withdraw/ }).click();
    await desk.locator('dialog[open]').getByRole('button', { name: 'Withdraw' }).click();
    await row.getByText('Withdrawn').waitFor();
    await close(desk);
    for (const { id } of [shop.kept, shop.rented, shop.member, shop.series]) {
      await marquee.operate('PATCH', `/titles/${id}`, { status: 'withdrawn' });
    }
  });
}

/** A storefront that sells for HKD, with a film to rent or to keep, one to rent, one for members, and a series for coins. */
async function newShop(marquee) {
  const [{ assets }] = await Promise.all([
    marquee.operate('GET', `/titles/${marquee.title('free').id}`),
    marquee.operate('POST', '/storefronts', {
      slug: 'harbour',
      name: { en: 'Harbour Pictures', 'zh-CN': '海港影院' },
      hosts: ['harbour.localhost'],
      languages: ['en', 'zh-CN'],
      currency: 'HKD',
      territories: { include: ['CN'], exclude: [] },
      default_territory: 'CN',
      tagline: {},
      theme: 'auto',
      accent: '#0f6b72',
    }),
  ]);
  const open = { start_at: hence(-DAY_S), end_at: hence(60 * DAY_S) };
  const title = (en, zh, more = {}) =>
    marquee.operate('POST', '/titles', { name: { en, 'zh-CN': zh }, assets, status: 'live', country: 'NL', rank: 100, ...more });
  const rental = { kind: 'rental', clock: { on_first_play: { start_within_s: 30 * DAY_S, watch_s: 2 * DAY_S } } };
  const sell = async (title_id, license_type, offer) => {
    const avail = await marquee.newAvail(title_id, { ...open, license_type, description: null });
    if (offer) await marquee.newOffer(avail.id, offer);
  };
  const [kept, rented, member, series] = await Promise.all([
    title('The Glass Ferry', '玻璃渡轮'),
    title('Night Tide', '夜潮'),
    title('Lighthouse Hours', '灯塔时刻'),
    title('Letters from the Pier', '码头来信', { assets: Array(4).fill(assets[0]), episodes: { free: 1, coins: 60 } }),
  ]);
  await sell(kept.id, 'vod', { ...rental, list_price: hkd(1800) });
  await sell(kept.id, 'est', { kind: 'buy', clock: { forever: {} }, list_price: hkd(6800) });
  await sell(rented.id, 'vod', { ...rental, list_price: hkd(1200) });
  await sell(member.id, 'svod');
  await sell(series.id, 'vod');
  const pack = await marquee.operate('POST', '/products', {
    name: { en: 'A pocket of coins', 'zh-CN': '一袋金币' },
    gives: { kind: 'coins', coins: 100, bonus: 20, expires_after_days: 365 },
    price: hkd(1000),
  });
  return { url: `http://harbour.localhost:${new URL(marquee.url).port}`, kept, rented, member, series, pack };
}
