// From a price to the film: the account, the payment in each of its ways, the code, the opening, and what one has then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  action, buyOnPage, cameIn, close, fillSignIn, observeVideo, openPage, payBy, phase, playedBeyond, sheet, signIn,
} from './chromium.js';
import { hence } from './marquee.js';

const WORDS = {
  'en-GB': {
    sign_up: 'Create an account',
    close: 'Close the player',
    resume: /^Resume 0:[01]\d/,
    declined: /^The payment was declined/,
    member: /You are a member: you pay ¥9 instead of ¥18/,
    scan: 'Scan to pay',
    paid: 'Paid',
    presale: /is yours\. It opens/,
    owned: /^Yours\. Opens in/,
    redeem: 'Redeem',
    redeemed: /Big Buck Bunny: Rental is yours/,
    receipt: 'Receipt',
    opened: /has opened\./,
  },
  'zh-CN': {
    sign_up: '注册账号',
    close: '退出播放',
    resume: /^继续播放 0:[01]\d/,
    declined: /^支付被拒绝/,
    member: /您是会员，只需支付 ¥9（原价 ¥18）/,
    scan: '扫码支付',
    paid: '支付成功',
    presale: /已预购成功/,
    owned: /^已预购，距上线/,
    redeem: '兑换',
    redeemed: /《大雄兔：单片租看》已到账/,
    receipt: '电子购票凭证',
    opened: /已上线。/,
  },
};

export function buying(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    const member = locale === 'zh-CN';
    const who = member ? 'a member who signs in at the checkout pays the member price' : 'a viewer signs up at the checkout';
    test(`${locale}: ${who}, the film plays, and another browser resumes it`, async () => {
      const { marquee, browser } = world;
      const title = marquee.title('pvod');
      const page = await openPage(browser, marquee, { locale });
      await page.goto(`${marquee.url}/title/${title.id}`);
      await action(page, 'buy').click();
      await sheet(page).locator('form#sign-in').waitFor();
      const viewer = member
        ? await marquee.newMember()
        : { email: `viewer-${crypto.randomUUID()}@example.test`, password: 'a password of a test' };
      if (!member) await sheet(page).getByRole('button', { name: words.sign_up }).click();
      await fillSignIn(sheet(page), viewer);
      await page.locator('[data-step=pay]').waitFor();
      if (member) assert.match(await sheet(page).innerText(), words.member);
      await payBy(page, 'paid');

      // A premiere plays at once, in the place where it was bought.
      await page.waitForURL(`${marquee.url}/watch/${title.id}`);
      // Long enough to be a place worth keeping, and once long enough for a second note of it on the server.
      await playedBeyond(page, member ? 7 : 11);
      const { current_s, audio_bytes, video_bytes } = await observeVideo(page);
      assert.ok(audio_bytes > 0 && video_bytes > 0, 'with picture and sound');
      // What is paused keeps its controls in sight.
      await page.keyboard.press('k');
      await page.getByRole('button', { name: words.close }).click();
      await page.waitForFunction(keptBeyond, [title.id, current_s * 1000 - 500], { polling: 500 });
      await action(page, 'resume').waitFor();
      await close(page);

      const other = await openPage(browser, marquee, { locale });
      await signIn(other, marquee, viewer);
      await other.goto(`${marquee.url}/`);
      await other.locator(`[data-shelf=continue] [data-continue="${title.id}"]`).waitFor();
      await other.goto(`${marquee.url}/title/${title.id}`);
      const resume = action(other, 'resume');
      assert.match(await resume.innerText(), words.resume);
      await resume.click();
      await playedBeyond(other, current_s - 2);
      const resumed = await observeVideo(other);
      assert.ok(Math.abs(resumed.current_s - current_s) < 8, `from ${current_s} to ${resumed.current_s}`);
      await close(other);
    });

    test(`${locale}: a declined card is said, costs nothing, and the next try is paid`, async () => {
      const { marquee, browser } = world;
      const viewer = await marquee.newViewer();
      const page = await openPage(browser, marquee, { locale, expected: [402] });
      await cameIn(page, marquee, viewer);
      await buyOnPage(page, marquee, 'pvod', 'declined');
      const alert = sheet(page).locator('[role=alert][data-code=PAYMENT_DECLINED]');
      await alert.waitFor();
      assert.match(await alert.innerText(), words.declined);
      assert.ok(await alert.evaluate((element) => element === document.activeElement), 'the alert has the focus');
      assert.deepEqual((await marquee.call('GET', '/grants', { token: viewer.api_token })).data, []);
      await payBy(page, 'paid');
      await playedBeyond(page, 0.5);
      await close(page);
    });

    test(`${locale}: a code is paid on a phone, and the page that shows it plays`, async () => {
      const { marquee, browser } = world;
      const page = await openPage(browser, marquee, { locale });
      await cameIn(page, marquee, await marquee.newViewer());
      await buyOnPage(page, marquee, 'pvod', 'qr_code');
      const waiting = page.locator('[data-waiting=qr_code]');
      await waiting.getByRole('heading', { name: words.scan }).waitFor();
      await waiting.locator('svg[role=img]').waitFor();
      const cashier = await waiting.locator('a[href*="/cashier/"]').getAttribute('href');

      const phone = await openPage(browser, marquee, {
        locale, viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true,
      });
      await phone.goto(new URL(cashier, marquee.url).href);
      const slip = phone.locator('[data-payment]');
      await slip.and(phone.locator('[data-status=pending]')).waitFor();
      assert.match(await slip.innerText(), /¥18/);
      await slip.getByRole('button').first().tap();
      await slip.and(phone.locator('[data-status=paid]')).waitFor();
      assert.ok((await slip.innerText()).includes(words.paid));

      await page.waitForURL(`${marquee.url}/watch/${marquee.title('pvod').id}`);
      await playedBeyond(page, 0.5);
      await close(phone);
      await close(page);
    });

    test(`${locale}: a presale is bought, waits for its opening, and stands with what one has`, async () => {
      const { marquee, browser } = world;
      const title = marquee.title('future');
      const page = await openPage(browser, marquee, { locale });
      await cameIn(page, marquee, await marquee.newViewer());
      await buyOnPage(page, marquee, 'future');
      await page.locator('[data-step=paid]').waitFor();
      assert.match(await sheet(page).innerText(), words.presale);
      await page.keyboard.press('Escape');
      const button = action(page, 'wait');
      await button.waitFor();
      assert.match(await button.innerText(), words.owned);
      assert.equal(await page.locator('[data-denial]').getAttribute('data-denial'), 'WINDOW_NOT_OPEN');
      assert.equal(await page.locator('.stage').count(), 0, 'nothing to play yet');

      await page.goto(`${marquee.url}/purchases`);
      const holding = page.locator(`[data-holding][data-title="${title.id}"]`);
      await holding.and(page.locator('[data-standing=upcoming]')).waitFor();
      await holding.locator('a[href^="/purchases/"]').click();
      const receipt = page.locator('[data-receipt][data-status=paid]');
      await receipt.waitFor();
      await page.getByRole('heading', { level: 1, name: words.receipt }).waitFor();
      assert.match(await receipt.innerText(), /¥18/);
      assert.match(await receipt.innerText(), /pur_/);
      await close(page);
    });

    test(`${locale}: a code is redeemed once, and the film is the viewer's`, async () => {
      const { marquee, browser } = world;
      const code = await marquee.newVoucher('rental');
      const page = await openPage(browser, marquee, { locale, expected: [404, 409] });
      await cameIn(page, marquee, await marquee.newViewer());
      await page.goto(`${marquee.url}/redeem`);
      const field = page.locator('[name=code]');
      await field.fill('ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ');
      await page.getByRole('button', { name: words.redeem, exact: true }).click();
      await page.locator('[role=alert][data-code=VOUCHER_UNKNOWN]').waitFor();
      // As somebody types it: small, without the dashes.
      await field.fill('');
      await field.pressSequentially(code.replaceAll('-', '').toLowerCase());
      assert.equal(await field.inputValue(), code);
      await page.keyboard.press('Enter');
      const won = page.locator(`[data-redeemed="${marquee.title('rental').id}"]`);
      await won.waitFor();
      assert.match(await won.getByRole('heading').innerText(), words.redeemed);
      await page.goto(`${marquee.url}/purchases`);
      await page.locator(`[data-title="${marquee.title('rental').id}"][data-standing=unstarted]`).waitFor();

      const late = await openPage(browser, marquee, { locale, expected: [409] });
      await cameIn(late, marquee, await marquee.newViewer());
      await late.goto(`${marquee.url}/redeem?code=${code}`);
      await late.getByRole('button', { name: words.redeem, exact: true }).click();
      await late.locator('[role=alert][data-code=VOUCHER_USED]').waitFor();
      await close(late);
      await close(page);
    });

  }

  test('a window opens in front of whoever waits: the button changes in place, is told, and keeps the focus', async () => {
    const { marquee, browser } = world;
    const title = await marquee.newTitle('Opens in a moment');
    const avail = await marquee.newAvail(title.id, { start_at: hence(24 * 3600) });
    await marquee.newOffer(avail.id);
    const viewer = await marquee.newViewer();
    const pages = [];
    for (const locale of Object.keys(WORDS)) {
      const page = await openPage(browser, marquee, { locale });
      await cameIn(page, marquee, viewer);
      await page.goto(`${marquee.url}/title/${title.id}`);
      await action(page, 'wait').waitFor();
      await page.evaluate(() => (window.sameDocument = true));
      pages.push([page, WORDS[locale]]);
    }

    // The operator brings the opening forward; whoever looks again knows the new one, and waits.
    const opens_at = hence(20);
    await marquee.operate('PATCH', `/avails/${avail.id}`, { start_at: opens_at });
    for (const [page] of pages) {
      await page.locator('header .home').click();
      const told = page.waitForResponse((answer) => answer.url().endsWith(`/api/v1/titles/${title.id}`));
      await page.locator(`article[data-title="${title.id}"] a`).first().click();
      const body = await (await told).json();
      assert.equal(body.opens_at, opens_at);
      await action(page, 'wait').focus();
      await page.evaluate(() => (window.button = document.activeElement));
    }
    for (const [page, words] of pages) {
      await action(page, 'buy').waitFor({ timeout: 60_000 });
      const kept = await page.evaluate(
        () => window.sameDocument && window.button.isConnected && document.activeElement === window.button,
      );
      assert.equal(kept, true, 'no reload; the button is the same element and has kept the focus');
      assert.match(await page.locator('[data-action] [role=status]').textContent(), words.opened);
    }
    const [[page], [other]] = pages;
    await page.keyboard.press('Enter');
    await payBy(page, 'paid');
    await phase(page, 'playing').waitFor({ timeout: 60_000 });
    await close(page);
    await close(other);
  });

  test('a bank that confirms later: the page says so, and plays by itself once it has', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee);
    await cameIn(page, marquee, await marquee.newViewer());
    const ordered = page.waitForResponse((answer) => answer.request().method() === 'POST' && answer.url().endsWith('/purchases'));
    const waiting = page.locator('[data-waiting=provider]').getByRole('heading', { name: 'Waiting for the confirmation' });
    // Watched for from now: the bank takes seconds.
    const [answer] = await Promise.all([ordered, waiting.waitFor({ timeout: 90_000 }), buyOnPage(page, marquee, 'pvod', 'pending')]);
    const { status, grant } = await answer.json();
    assert.deepEqual([status, grant ?? null], ['pending', null], 'nothing is given before the bank has confirmed');
    await phase(page, 'playing').waitFor({ timeout: 90_000 });
    await close(page);
  });
}

/** Runs in the page: whether the server knows that this viewer has come so far. */
async function keptBeyond([title_id, position_ms]) {
  const { progress } = await (await fetch(`/api/v1/titles/${title_id}`)).json();
  return progress !== null && progress.position_ms >= position_ms;
}
