// One server, several brands: the host decides whose cinema it is, what it sells, and in which currency.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, card, close, openPage } from './chromium.js';

export function storefronts(world) {
  for (const [locale, brand, tagline, rent] of [
    ['en-GB', 'Marquee Abroad', 'Chinese cinema, wherever you are', /^Rent (US)?\$3\.99/],
    ['zh-CN', '海外版', '华语电影，全球放映', /^(US)?\$3\.99 点播/],
  ]) {
    test(`${locale}: the second storefront has its brand, its titles and its currency`, async () => {
      const { marquee, browser } = world;
      const { url } = marquee.storefront('abroad');
      const page = await openPage(browser, marquee, { locale, origin: url });
      await page.goto(`${url}/`);
      const here = page.locator(`[data-title="${marquee.title('elsewhere').id}"]`);
      await here.first().waitFor();
      assert.equal(await page.locator('header .home').innerText(), brand);
      assert.ok((await page.title()).includes(tagline));
      await card(page, marquee.title('rental').id).waitFor();
      for (const slug of ['pvod', 'free', 'member', 'future']) {
        assert.equal(await page.locator(`[data-title="${marquee.title(slug).id}"]`).count(), 0, slug);
      }
      await page.goto(`${url}/title/${marquee.title('rental').id}`);
      assert.match(await action(page, 'rent').innerText(), rent);
      const colour = (button) => getComputedStyle(button).backgroundColor;
      const accent = await action(page, 'rent').evaluate(colour);
      const home = await openPage(browser, marquee, { locale });
      await home.goto(`${marquee.url}/title/${marquee.title('rental').id}`);
      assert.notEqual(await action(home, 'rent').evaluate(colour), accent, 'each in its own colour');
      await close(home);
      await close(page);
    });

    test(`${locale}: a storefront that does not sell here says so, and names the one that does`, async () => {
      const { marquee, browser } = world;
      const url = await closedStorefront(world);
      const page = await openPage(browser, marquee, { locale, origin: url });
      await page.goto(`${url}/`);
      const elsewhere = page.locator('[data-elsewhere]');
      await elsewhere.waitFor();
      assert.match(await page.locator('h1').innerText(), locale === 'zh-CN' ? /东京站暂未/ : /^Marquee Tokyo is not available/);
      assert.match(await elsewhere.innerText(), locale === 'zh-CN' ? /Marquee 影院/ : /Marquee Cinema/);
      assert.equal(await page.locator('[data-title]').count(), 0);
      await close(page);
    });
  }
}

/** The address of a storefront that sells in Japan alone, to callers who are in China. */
export async function closedStorefront(world) {
  const { marquee } = world;
  world.closed ??= marquee.operate('POST', '/storefronts', {
    slug: 'tokyo',
    name: { en: 'Marquee Tokyo', 'zh-CN': '东京站' },
    hosts: ['tokyo.localhost'],
    languages: ['en', 'zh-CN'],
    currency: 'JPY',
    territories: { include: ['JP'], exclude: [] },
    default_territory: 'CN',
    accent: '#1f5f4a',
    theme: 'auto',
    tagline: {},
  });
  await world.closed;
  return `http://tokyo.localhost:${new URL(marquee.url).port}`;
}
