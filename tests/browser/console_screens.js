// Every page of the console in both languages, at a phone's and a desk's width, light and dark: pictures for people in
// `out/`, and what a machine can judge: nothing wider than the screen, and axe-core's rules. Of the eight looks of a full
// house and of an empty one the suite takes two each, so that all languages, widths and appearances have their turn;
// MARQUEE_TEST_EVERY_LOOK=1 takes all of them.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { openConsole, enter, startNew } from './console_house.js';
import { fits, follow, judged, picture, resting } from './looks.js';

const RULES = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
const BARE = ['', '/titles', '/uploads', '/partners', '/partners?tab=parties', '/orders', '/viewers', '/members', '/vouchers', '/sessions', '/qoe', '/explain', '/storefronts', '/audit', '/settings'];

const EVERY = process.env.MARQUEE_TEST_EVERY_LOOK === '1';
const ALL = ['zh-CN', 'en-GB'].flatMap((locale) => [390, 1440].map((width) => [locale, width, ['light', 'dark']]));

export function consoleScreens(world) {
  let pages;
  before(async () => {
    const { marquee } = world;
    const viewer = await marquee.newViewer();
    const { id } = await marquee.buy(viewer, 'pvod');
    const title = marquee.title('pvod').id;
    const session = await marquee.call('POST', '/playback-sessions', { token: viewer.api_token, body: { title_id: title } });
    const { viewer: whose } = await marquee.operate('GET', `/purchases/${id}`);
    const details = ['film', 'windows', 'sales', 'details'].map((tab) => `/titles/${title}?tab=${tab}`);
    pages = [...BARE, ...details, `/orders/${id}`, `/viewers/${whose.id}`, `/sessions/${session.id}`, `/explain?title_id=${title}`];
  });

  for (const [locale, width, schemes] of EVERY ? ALL : [['zh-CN', 390, ['light']], ['en-GB', 1440, ['dark']]]) {
    const look = `console-${locale.slice(0, 2)}-${width}`;
    test(`${look}: every page with what is in it`, async () => {
      const page = await openConsole(world, '/console', options(locale, width));
      for (const path of pages) await lookAt(page, `${world.marquee.url}/console${path}`, `${look}-${nameOf(path)}`, schemes);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }

  test('the big board on a screen of 1920', async () => {
    for (const locale of ['zh-CN', 'en-GB']) {
      const page = await openConsole(world, '/console/wall', { ...options(locale, 1920), viewport: { width: 1920, height: 1080 } });
      await lookAt(page, page.url(), `console-${locale.slice(0, 2)}-1920-wall`);
      const { scroll, screen } = await page.evaluate(() => ({ scroll: document.documentElement.scrollHeight, screen: innerHeight }));
      assert.ok(scroll <= screen, `${scroll} px high on ${screen}`);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  });

  test('a house in which nothing has happened yet', async () => {
    const marquee = await startNew();
    try {
      const as = await enter(marquee, marquee.demo.operator_link, { name: '陈影', email: 'owner@example.test' });
      for (const [locale, width, schemes] of EVERY ? ALL : [['zh-CN', 1440, ['dark']], ['en-GB', 390, ['light']]]) {
        const page = await openConsole({ browser: world.browser, marquee }, '/console', { as, ...options(locale, width) });
        for (const path of [...BARE, '/wall']) {
          await lookAt(page, `${marquee.url}/console${path}`, `console-${locale.slice(0, 2)}-${width}-empty-${nameOf(path)}`, schemes);
        }
        assert.deepEqual(page.faults, []);
        await page.context().close();
      }
    } finally {
      await marquee.stop();
    }
  });

  test('who comes by a link, or has to sign in', async () => {
    const { marquee } = world;
    for (const path of ['/console/sign-in', '/console/welcome', '/console/welcome#wrong', '/console/nowhere']) {
      const page = await openConsole(world, path, { as: { cookies: [], origins: [] }, ...options('zh-CN', 390), expected: [401, 404, 410] });
      await lookAt(page, page.url(), `console-zh-390-${nameOf(path).replace('#', '-')}`);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
    assert.ok(marquee);
  });
}

const options = (locale, width) => ({ locale, viewport: { width, height: width === 390 ? 844 : 900 }, bypassCSP: true, reducedMotion: 'reduce' });
const nameOf = (path) => path.replace(/\?tab=/, '-').replace(/\?.*/, '').replace(/\/(ttl|pur|vwr|ses)_\w+/, '-one').replace(/^\/(console\/)?/, '') || 'home';

/** A page, looked at in each of these appearances. */
async function lookAt(page, url, name, schemes = ['dark']) {
  if (page.url() !== url) await follow(page, url);
  await page.locator('main h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true], .lines[aria-hidden=true]'));
  await page.waitForFunction(() => [...document.images].every((image) => image.complete || image.loading === 'lazy'));
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await resting(page);
    await picture(page, `${name}-${colorScheme}`);
    await fits(page, name);
    await judged(page, `${name}-${colorScheme}`, RULES);
  }
}
