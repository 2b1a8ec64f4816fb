// What a viewer is told who may not watch: what the button says, the reason in words and as a code, and what to do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, cameIn, card, close, fillSignIn, openPage } from './chromium.js';
import { formatPrice } from './marquee.js';

/** Of each title: what its button does for somebody who is not signed in, the code, and the words. */
const REFUSED = [
  ['pvod', 'buy', 'PAYMENT_REQUIRED', /^Buy ¥18/, /^¥18 购票观看/],
  ['rental', 'rent', 'PAYMENT_REQUIRED', /^Rent ¥12/, /^¥12 点播/],
  ['member', 'sign_in', 'MEMBERSHIP_REQUIRED', /^Sign in to watch/, /^登录后观看/],
  ['future', 'preorder', 'PAYMENT_REQUIRED', /^Pre-order ¥18/, /^¥18 预购/],
  ['elsewhere', 'nothing', 'GEO_NOT_LICENSED', /^Not available/, /^暂不可看/],
];
const REASONS = {
  elsewhere: [/^This film is not licensed where you are\./, /^这部影片在您所在的地区没有版权许可。/],
  member: [/^For members\. Sign in/, /^仅面向会员，请登录会员账号。/],
};

export function refusals(world) {
  for (const [place, locale] of ['en-GB', 'zh-CN'].entries()) {
    test(`each title says in ${locale} what stands between it and the viewer, and offers no Play`, async () => {
      const { marquee, browser } = world;
      const page = await openPage(browser, marquee, { locale });
      for (const [slug, does, code, ...labels] of REFUSED) {
        await page.goto(`${marquee.url}/title/${marquee.title(slug).id}`);
        const button = action(page, does);
        await button.waitFor();
        assert.match(await button.innerText(), labels[place], slug);
        assert.equal(await page.locator('[data-denial]').first().getAttribute('data-denial'), code, slug);
        if (REASONS[slug]) assert.match(await page.locator('.reason').innerText(), REASONS[slug][place]);
        assert.equal(await page.locator('.stage').count(), 0, 'no screen');
      }
      await page.goto(`${marquee.url}/watch/${marquee.title('pvod').id}`);
      await action(page, 'buy').waitFor();
      assert.equal(await page.locator('.stage').count(), 0, 'the address of the screen lights none');
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale === 'zh-CN' ? 'zh-CN' : 'en');
      await close(page);
    });
  }

  test('the wall has what is sold here, by shelf, each with its price or its opening', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee);
    await page.goto(`${marquee.url}/`);
    const shelf = (name) => page.locator(`[data-shelf=${name}]`);
    await shelf('free').locator(`article[data-title="${marquee.title('free').id}"]`).waitFor();
    await shelf('members').locator(`article[data-title="${marquee.title('member').id}"]`).waitFor();
    const rental = card(page, marquee.title('rental').id);
    assert.ok((await rental.innerText()).includes(formatPrice(marquee.offer('rental').price)));
    assert.equal(await card(page, marquee.title('elsewhere').id).count(), 0, 'what is sold elsewhere is not on the wall');
    await close(page);
  });

  test('a session is refused with a problem that names the reason and the price', async () => {
    const { marquee } = world;
    const viewer = await marquee.newViewer();
    const response = await fetch(`${marquee.url}/api/v1/playback-sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${viewer.api_token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ title_id: marquee.title('pvod').id }),
    });
    const problem = await response.json();
    assert.equal(response.status, 403);
    assert.equal(problem.code, 'PAYMENT_REQUIRED');
    assert.deepEqual(problem.next[0].price, marquee.offer('pvod').price);
  });

  for (const [locale, sign_up, words] of [
    ['en-GB', 'Create an account', /password/],
    ['zh-CN', '注册账号', /密码/],
  ]) {
    test(`a wrong password and a taken email are said in ${locale}, with the code`, async () => {
      const { marquee, browser } = world;
      const page = await openPage(browser, marquee, { locale, expected: [401, 409] });
      await page.goto(`${marquee.url}/sign-in`);
      await fillSignIn(page, { email: marquee.viewer('member').email, password: 'not the password' });
      const form = page.locator('form#sign-in');
      await form.locator('[role=alert][data-code=SIGN_IN_FAILED]').waitFor();
      assert.match(await form.getByRole('alert').innerText(), words);

      await form.getByRole('button', { name: sign_up }).click();
      await form.locator('[type=submit]').click();
      await form.locator('[role=alert][data-code=EMAIL_TAKEN]').waitFor();
      await close(page);
    });
  }

  test('members are shown the member price, others the list price', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('pvod');
    const offer = marquee.offer('pvod');
    assert.ok(offer.member_price.amount < offer.price.amount, 'the demo has a member price');
    for (const [viewer, kind, price] of [
      [marquee.viewer('member'), 'member', offer.member_price],
      [marquee.viewer('non_member'), 'list', offer.price],
    ]) {
      const page = await openPage(browser, marquee);
      await cameIn(page, marquee, viewer);
      await page.goto(`${marquee.url}/title/${title.id}`);
      await page.locator(`[data-price=${kind}]`).waitFor();
      const label = await action(page, 'buy').innerText();
      assert.ok(label.startsWith(`Buy ${formatPrice(price)}`), label);
      await close(page);
    }
  });

  test('a member plays what is for members; a viewer who is none is told so', async () => {
    const { marquee, browser } = world;
    for (const [role, does] of [
      ['member', 'play'],
      ['non_member', 'members_only'],
    ]) {
      const page = await openPage(browser, marquee);
      await cameIn(page, marquee, marquee.viewer(role));
      await page.goto(`${marquee.url}/title/${marquee.title('member').id}`);
      await action(page, does).waitFor();
      if (does === 'members_only') assert.match(await page.locator('.reason').innerText(), /your account has no membership/);
      await close(page);
    }
  });
}
