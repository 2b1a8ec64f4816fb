// What a viewer is told who may not watch: the reason in words, and what to do about it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buyOnCard, card, openPage, signIn } from './chromium.js';
import { formatMoney } from './marquee.js';

export function refusals(world) {
  for (const [locale, slug, code, what] of [
    ['en-GB', 'pvod', 'PAYMENT_REQUIRED', 'This film has to be bought first.'],
    ['zh-CN', 'pvod', 'PAYMENT_REQUIRED', '这部影片需要先购买。'],
    ['en-GB', 'member', 'MEMBERSHIP_REQUIRED', 'This film is for members.'],
    ['en-GB', 'future', 'WINDOW_NOT_OPEN', 'This film is not open yet.'],
    ['zh-CN', 'future', 'WINDOW_NOT_OPEN', '这部影片尚未上线。'],
    ['en-GB', 'elsewhere', 'GEO_NOT_LICENSED', 'This film is not licensed where you are.'],
    ['zh-CN', 'elsewhere', 'GEO_NOT_LICENSED', '这部影片在您所在的地区没有版权许可。'],
  ]) {
    test(`${slug} says ${code} in ${locale}, on the list and on its page, and offers no Play`, async () => {
      const { marquee, browser } = world;
      const page = await openPage(browser, marquee, { locale });
      const title = marquee.title(slug);
      await page.goto(`${marquee.url}/`);
      const reason = card(page, title.id).locator('.reason');
      await reason.waitFor();
      assert.equal(await reason.getAttribute('data-denial'), code);
      assert.ok((await reason.innerText()).startsWith(what), await reason.innerText());
      if (slug === 'future') assert.match(await reason.innerText(), /20\d\d.*(GMT|UTC|[A-Z]{3,4})/, 'date and zone');

      await card(page, title.id).getByRole('heading').getByRole('link').click();
      await page.waitForURL(`${marquee.url}/watch/${title.id}`);
      await page.locator('.about .reason').waitFor();
      assert.ok((await page.locator('.about .reason').innerText()).startsWith(what));
      assert.equal(await page.locator('.stage button').count(), 0, 'no Play button');
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale === 'zh-CN' ? 'zh-CN' : 'en');
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }

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
    assert.deepEqual(problem.next[0].price, marquee.title('pvod').offers[0].price);
  });

  test('a wrong password and a taken email are said in words, with the code', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee, { expected: [401, 409] });
    await page.goto(`${marquee.url}/`);
    const form = page.locator('form#sign-in');
    await form.locator('[name=email]').fill(marquee.viewer('member').email);
    await form.locator('[name=password]').fill('not the password');
    await form.locator('[type=submit]').click();
    await form.getByRole('alert').waitFor();
    assert.equal(await form.getByRole('alert').getAttribute('data-code'), 'SIGN_IN_FAILED');

    await form.getByRole('button', { name: 'Create an account' }).click();
    await form.locator('[type=submit]').click();
    await form.locator('[data-code=EMAIL_TAKEN]').waitFor();
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('a declined payment says so, gives nothing, and the next try may be paid', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('pvod');
    const page = await openPage(browser, marquee, { expected: [402] });
    await signIn(page, marquee, await marquee.newViewer());
    const dialog = await buyOnCard(page, title.id, 'declined');
    await dialog.locator('[data-code=PAYMENT_DECLINED]').waitFor();
    await dialog.locator('[name=outcome]').selectOption('paid');
    await dialog.locator('[type=submit]').click();
    await card(page, title.id).getByRole('link', { name: 'Watch' }).waitFor();
    assert.equal(await card(page, title.id).locator('.state').getAttribute('data-state'), 'acquired');
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('a payment that is not confirmed gives nothing yet, and the page says so', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('pvod');
    const page = await openPage(browser, marquee);
    await signIn(page, marquee, await marquee.newViewer());
    await buyOnCard(page, title.id, 'pending');
    await card(page, title.id).getByText('The payment is not confirmed yet.').waitFor();
    assert.equal(await card(page, title.id).locator('.state').getAttribute('data-state'), 'for_sale');
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('members are shown the member price, others the list price', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('pvod');
    const [offer] = title.offers;
    assert.ok(offer.member_price.amount < offer.price.amount, 'the demo has a member price');
    for (const [viewer, price] of [
      [marquee.viewer('member'), offer.member_price],
      [marquee.viewer('non_member'), offer.price],
    ]) {
      const page = await openPage(browser, marquee);
      await signIn(page, marquee, viewer);
      const button = card(page, title.id).getByRole('button').first();
      await button.waitFor();
      assert.ok((await button.innerText()).includes(formatMoney(price)), await button.innerText());
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  });
}
