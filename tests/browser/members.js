// What a membership changes while one buys, and before one plays: members are about to get the film, somebody becomes a
// member before the payment arrives, and members hear it in one language, everybody in another.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { action, cameIn, close, openPage, payBy, phase, playedBeyond, sheet } from './chromium.js';
import { lookAt, picture } from './looks.js';
import { hence } from './marquee.js';

const DAY_S = 24 * 3600;
const PACKAGED_WITHIN_MS = 120_000;
const LOOKS = {
  'en-GB': {
    viewport: { width: 390, height: 900 }, colorScheme: 'dark', soon: /^Members watch this without paying from .+, in 1[12] hours/,
    accept: 'I know this, and want to pay for it now', missing: 'Tick this box before you pay.', sound: 'Audio', hindi: 'Hindi', none: 'No preference',
  },
  'zh-CN': {
    viewport: { width: 1440, height: 900 }, colorScheme: 'light', soon: /^会员将于 .+（1[12]小时.*后）免费观看。/,
    accept: '我已知晓，仍要现在付费购买', missing: '请先勾选此项再支付。', sound: '音轨', hindi: '印地语', none: '不指定',
  },
};

export function members(world) {
  /** A title that is sold now, and that members get in `members_in_s`. */
  async function premiere(name, members_in_s) {
    const { marquee } = world;
    const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
    const title = await marquee.operate('POST', '/titles', { name: { en: name, 'zh-CN': name }, assets, status: 'live', country: 'NL' });
    const avail = await marquee.newAvail(title.id, { start_at: hence(-DAY_S), end_at: hence(60 * DAY_S) });
    await marquee.newOffer(avail.id, { member_price: { amount: 1200, currency: 'CNY' } });
    await marquee.newAvail(title.id, { license_type: 'svod', description: null, start_at: hence(members_in_s), end_at: hence(60 * DAY_S) });
    return title;
  }
  async function opened(locale, viewer, path, expected = []) {
    const { viewport, colorScheme } = LOOKS[locale];
    const page = await openPage(world.browser, world.marquee, { locale, viewport, colorScheme, expected });
    await cameIn(page, world.marquee, viewer);
    await page.goto(`${world.marquee.url}${path}`);
    return page;
  }
  const withdraw = ({ id }) => world.marquee.operate('PATCH', `/titles/${id}`, { status: 'withdrawn' });

  for (const [locale, words] of Object.entries(LOOKS)) {
    test(`${locale}: what members get within a day is bought by who has ticked that, and by nobody else`, async () => {
      const { marquee } = world;
      const title = await premiere(`Soon ${locale}`, DAY_S / 2);
      const page = await opened(locale, await marquee.newViewer(), `/title/${title.id}`);
      await action(page, 'buy').click();
      const notice = sheet(page).locator('[data-members-from]');
      await notice.waitFor();
      assert.match(await notice.innerText(), words.soon);
      const box = notice.getByLabel(words.accept);
      const pay = sheet(page).locator('[type=submit]');
      assert.equal(await pay.getAttribute('aria-disabled'), 'true');
      await pay.focus();
      await page.keyboard.press('Enter');
      await notice.getByText(words.missing).waitFor();
      assert.deepEqual(
        await box.evaluate((input) => [input === document.activeElement, document.getElementById(input.getAttribute('aria-describedby')).textContent]),
        [true, words.missing],
        'the box has the focus, and says what is missing',
      );
      await lookAt(page, `members-soon-${locale}`, { whole: false });
      await page.keyboard.press('Space');
      await payBy(page, 'paid');
      await phase(page, 'playing').waitFor();
      await close(page);
      await withdraw(title);
    });

    test(`${locale}: a page that was open before that was near is told when it pays`, async () => {
      const { marquee } = world;
      const title = await premiere(`Later ${locale}`, 3 * DAY_S);
      const page = await opened(locale, await marquee.newViewer(), `/title/${title.id}`, [409]);
      const quoted = page.waitForResponse(/\/quotes$/);
      await action(page, 'buy').click();
      await (await quoted).finished();
      const [members] = (await marquee.operate('GET', `/titles/${title.id}/avails`)).data.filter(({ license_type }) => license_type === 'svod');
      await marquee.operate('PATCH', `/avails/${members.id}`, { start_at: hence(DAY_S / 2) });
      await payBy(page, 'paid');
      const told = sheet(page).locator('[role=alert][data-code=MEMBERS_SOON]');
      await told.waitFor();
      assert.match(await told.innerText(), new RegExp(words.soon.source.slice(1)));
      await picture(page, `members-soon-told-${locale}`, { whole: false });
      await sheet(page).getByLabel(words.accept).check();
      await payBy(page, 'paid');
      await phase(page, 'playing').waitFor();
      await close(page);
      await withdraw(title);
    });

    test(`${locale}: who becomes a member before the payment arrives gets it back, and orders again at the other price`, async () => {
      const { marquee } = world;
      const title = await premiere(`Meanwhile ${locale}`, 30 * DAY_S);
      const viewer = await marquee.newViewer();
      const page = await opened(locale, viewer, `/title/${title.id}`);
      await action(page, 'buy').click();
      await payBy(page, 'qr_code');
      const cashier = await page.locator('[data-waiting] a').getAttribute('href');
      const [plan] = (await marquee.operate('GET', '/plans')).data;
      await marquee.operate('POST', '/memberships', { email: viewer.email, plan_id: plan.id, ends_at: hence(DAY_S) });
      await marquee.call('POST', `/sandbox/payments/${cashier.split('/').at(-1)}`, { body: { act: 'pay' } });
      const told = sheet(page).locator('[role=alert][data-code=member_price_changed]');
      await told.waitFor();
      await page.locator('[data-to-pay="1200"]').waitFor();
      await lookAt(page, `members-price-${locale}`, { whole: false });

      await page.goto(`${marquee.url}/purchases`);
      const row = page.locator('[data-standing=closed]');
      await row.waitFor();
      await lookAt(page, `members-closed-${locale}`);
      await row.getByRole('button').click();
      await page.locator('[data-to-pay="1200"]').waitFor();
      await payBy(page, 'paid');
      await phase(page, 'playing').waitFor();
      const { data } = await marquee.call('GET', '/purchases', { token: viewer.api_token });
      assert.deepEqual(data.map(({ status, closed_because, price }) => [status, closed_because, price.amount]), [
        ['paid', null, 1200],
        ['expired', 'member_price_changed', 2500],
      ]);
      await close(page);
      await withdraw(title);
    });
  }

  test('members hear it in one language, everybody in another, and who wants which says so before Play', async () => {
    const { marquee } = world;
    const folder = await mkdtemp(join(tmpdir(), 'marquee-members-'));
    const file = join(folder, 'film.mp4');
    const tone = ['-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=8'];
    const made = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=24:duration=8', ...tone, ...tone, '-map', '0', '-map', '1', '-map', '2'];
    const said = ['-metadata:s:a:0', 'language=hin', '-metadata:s:a:1', 'language=tam'];
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...made, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ac', '2', ...said, file]);
    const { job_id } = await marquee.upload(await readFile(file), { filename: 'two-tongues.mp4' });
    await rm(folder, { recursive: true, force: true });
    let job;
    for (const begun_at = Date.now(); job?.status !== 'done'; await wait(250)) {
      job = await marquee.operate('GET', `/jobs/${job_id}`);
      assert.ok(job.status !== 'failed' && Date.now() - begun_at < PACKAGED_WITHIN_MS, JSON.stringify(job));
    }
    const title = await marquee.operate('POST', '/titles', {
      name: { en: 'Two Tongues', 'zh-CN': '双语' }, assets: [job.asset_id], status: 'live', country: 'IN',
    });
    const window = { description: null, start_at: hence(-DAY_S), end_at: hence(DAY_S) };
    await marquee.newAvail(title.id, { ...window, license_type: 'svod', languages: { allow: ['ta'] } });
    await marquee.newAvail(title.id, { ...window, license_type: 'avod', languages: { allow: ['hi'] } });

    for (const [locale, words] of Object.entries(LOOKS)) {
      const page = await opened(locale, await marquee.newMember(), `/title/${title.id}`);
      const choice = page.getByLabel(words.sound, { exact: true });
      await choice.waitFor();
      assert.equal(await choice.locator(':checked').innerText(), words.none);
      await choice.selectOption({ label: words.hindi });
      await lookAt(page, `members-sound-${locale}`);
      const opening = page.waitForResponse((response) => response.url().endsWith('/playback-sessions'));
      await action(page, 'play').click();
      const { via } = await (await opening).json();
      assert.equal(via, 'free', 'the free window has the Hindi one, and the membership would go first');
      await playedBeyond(page, 1);
      // It is kept, and asked for again.
      await page.goto(`${marquee.url}/title/${title.id}`);
      await choice.waitFor();
      assert.equal(await choice.locator(':checked').innerText(), words.hindi);
      await close(page);
    }
    const stranger = await opened('en-GB', await marquee.newViewer(), `/title/${title.id}`);
    await action(stranger, 'play').waitFor();
    assert.equal(await stranger.locator('[data-sound]').count(), 0, 'who has one of both has no choice');
    await close(stranger);
    await withdraw(title);
  });
}
