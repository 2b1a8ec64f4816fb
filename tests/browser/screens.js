// Every page of the storefront in both languages, at a phone's and a desk's width, light and dark: a picture of each goes
// to `out/` for people to look at; what a machine can judge is asserted: nothing wider than the screen, and axe-core.

import { test } from 'node:test';
import { action, cameIn, close, openPage, phase, sheet } from './chromium.js';
import { fits, follow, lookAt, picture } from './looks.js';
import { closedStorefront } from './storefronts.js';

/** Every two of language, width and theme meet in half of all looks; MARQUEE_TEST_LOOKS=all takes the other half too. */
const LOOKS = [
  ['zh-CN', 390, 'light'],
  ['zh-CN', 1440, 'dark'],
  ['en-GB', 390, 'dark'],
  ['en-GB', 1440, 'light'],
];
if (process.env.MARQUEE_TEST_LOOKS === 'all') {
  LOOKS.push(...LOOKS.map(([locale, width, theme]) => [locale, width, theme === 'light' ? 'dark' : 'light']));
}

export function screens(world) {
  for (const [locale, width, colorScheme] of LOOKS) {
    const shown = `${locale.slice(0, 2)}-${width}-${colorScheme}`;
    test(shown, async () => {
      const { marquee, browser } = world;
      const { viewer, purchase, payment_url } = await onlooker(world);
      const viewport = { width, height: width === 390 ? 844 : 900 };
      const options = { locale, viewport, colorScheme, bypassCSP: true, reducedMotion: 'reduce' };
      const page = await openPage(browser, marquee, { ...options, expected: [404] });
      const look = (name, options) => lookAt(page, `${shown}-${name}`, options);
      const stands = (landmark) => settled(page, page.locator(landmark).first());
      /** Loads a page. */
      const load = async (path, landmark) => {
        await page.goto(new URL(path, marquee.url).href);
        await stands(landmark);
      };
      /** Goes there from the page before. */
      const open = async (path, landmark) => {
        await follow(page, new URL(path, marquee.url).href);
        await stands(landmark);
      };
      const { id: pvod } = marquee.title('pvod');
      const { id: free } = marquee.title('free');
      const { id: rental } = marquee.title('rental');

      await load('/', '[data-lead]');
      await look('wall-signed-out');
      await open('/sign-in', 'form#sign-in');
      await look('sign-in');
      await open(`/title/${pvod}`, '[data-action=buy]');
      await action(page).click();
      await settled(page, sheet(page).locator('form#sign-in'));
      await look('checkout-account', { whole: false });
      await load(payment_url, '[data-payment]');
      await look('cashier');
      await load(`/title/${marquee.title('elsewhere').id}`, '[data-denial]');
      await look('title-elsewhere');
      await open('/title/ttl_none', '[role=alert]');
      await look('not-found');

      await cameIn(page, marquee, viewer);
      await load('/', '[data-lead]');
      await look('wall');
      await open(`/title/${pvod}`, '[data-action]');
      await look('title-waiting');
      await open(`/title/${rental}`, '[data-action=play]');
      await look('title-owned');
      await open(`/title/${marquee.title('future').id}`, '[data-action=preorder]');
      await look('title-presale');
      await action(page).click();
      await settled(page, page.locator('[data-step=pay]'));
      await look('checkout', { whole: false });
      await open('/purchases', '[data-holding]');
      await look('purchases');
      await open(`/purchases/${purchase.id}`, '[data-receipt]');
      await look('receipt');
      await open('/redeem', '[name=code]');
      await look('redeem');
      await open('/account', '[data-sign-in]');
      await look('account');
      await open('/purchases', '[data-standing=pending]');
      await page.locator('[data-standing=pending] button').click();
      await settled(page, page.locator('[data-waiting=qr_code]'));
      await look('checkout-code', { whole: false });
      await open(`/watch/${free}`, '.stage button');
      await look('watch');
      await page.locator('.stage button').first().click();
      await phase(page, 'playing').waitFor({ timeout: 60_000 });
      await page.keyboard.press('k');
      await page.waitForFunction(() => document.querySelector('video').paused);
      await look('watching');
      await close(page);

      const origin = await closedStorefront(world);
      const other = await openPage(browser, marquee, { ...options, origin });
      await other.goto(`${origin}/`);
      await settled(other, other.locator('[data-elsewhere]'));
      await lookAt(other, `${shown}-elsewhere`);
      await close(other);
    });
  }

  test('at 320 px nothing is wider than the screen', async () => {
    const { marquee, browser } = world;
    const { viewer, purchase } = await onlooker(world);
    const page = await openPage(browser, marquee, { viewport: { width: 320, height: 640 } });
    await cameIn(page, marquee, viewer);
    for (const [path, landmark] of [
      ['/', '[data-lead]'],
      [`/title/${marquee.title('rental').id}`, '[data-action]'],
      [`/title/${marquee.title('future').id}`, '[data-action]'],
      ['/purchases', '[data-holding]'],
      [`/purchases/${purchase.id}`, '[data-receipt]'],
      ['/redeem', '[name=code]'],
      ['/account', '[data-sign-in]'],
    ]) {
      await page.goto(`${marquee.url}${path}`);
      await settled(page, page.locator(landmark).first());
      await picture(page, `320-${path.split('/')[1] || 'wall'}`);
      await fits(page, path);
    }
    await close(page);
  });
}

/** One viewer for all pictures, who owns a film, waits for the payment of another, and has begun a third. */
async function onlooker(world) {
  const { marquee } = world;
  world.onlooker ??= (async () => {
    const viewer = await marquee.newViewer();
    const purchase = await marquee.buy(viewer, 'rental');
    const pending = await marquee.buy(viewer, 'pvod', 'qr_code');
    await marquee.call('PUT', `/progress/${marquee.title('free').id}`, {
      token: viewer.api_token,
      body: { part: 1, position_ms: 12_000, duration_ms: 30_000 },
    });
    return { viewer, purchase, payment_url: pending.payment.url };
  })();
  return world.onlooker;
}

/** Everything that is going to stand there stands there. */
async function settled(page, locator) {
  await locator.waitFor();
  await page.waitForFunction(
    () =>
      document.querySelector('main [role=status].visually-hidden + :is(.skeleton, .to-come)') === null &&
      [...document.images].every((image) => image.complete || image.loading === 'lazy'),
  );
}
