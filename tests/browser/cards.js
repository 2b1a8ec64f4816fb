// A film that opens with its release card: shown whole, whoever presses what, and never part of what was watched.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { cameIn, close, cover, mean, observeVideo, openPage, playedBeyond } from './chromium.js';
import { openConsole } from './console_house.js';
import { hence } from './marquee.js';

const NUMBER = '（总局）网影审字（2022）第001号';
/** Whole pictures of the demo's film, which has 24 a second. */
const CARD_S = 5;
const READY_WITHIN_MS = 60_000;

export function cards(world) {
  /** A title of the demo's film with a licence and its card, and a viewer who has bought it. */
  async function licensed(protection) {
    const { marquee } = world;
    const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
    const name = { en: 'Licensed', 'zh-CN': '有证影片' };
    const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL', rank: 100, protection });
    const avail = await marquee.newAvail(title.id, { start_at: hence(-3600), end_at: hence(24 * 3600) });
    const offer = await marquee.newOffer(avail.id);
    await marquee.operate('PUT', `/titles/${title.id}/licence`, { kind: 'online_release', number: NUMBER });
    const begun_at = Date.now();
    for (;;) {
      const [card] = (await marquee.operate('GET', `/titles/${title.id}/licence`)).cards;
      if (card.status === 'ready') break;
      assert.ok(card.status !== 'failed' && Date.now() - begun_at < READY_WITHIN_MS, JSON.stringify(card));
      await wait(100);
    }
    const viewer = await marquee.newViewer();
    await marquee.call('POST', '/purchases', {
      token: viewer.api_token,
      headers: { 'idempotency-key': crypto.randomUUID() },
      body: { offer_id: offer.id, payment: { method: 'sandbox', outcome: 'paid' } },
    });
    return { title, viewer };
  }

  /** A page about to play it, with what it asks of the server and what the system's controls would find. */
  async function opened({ title, viewer }, options) {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee, options);
    page.keys = [];
    page.sessions = [];
    page.positions = [];
    page.on('response', async (response) => {
      const { pathname } = new URL(response.url());
      const method = response.request().method();
      if (/\/(key|clearkey)$/.test(pathname)) page.keys.push(response.status());
      if (method === 'POST' && pathname.endsWith('/playback-sessions')) page.sessions.push(await response.json());
      if (method === 'PUT' && pathname.includes('/progress/')) page.positions.push(response.request().postDataJSON());
    });
    await page.addInitScript(() => {
      window.handlers = {};
      navigator.mediaSession.setActionHandler = (action, handler) => (window.handlers[action] = handler);
    });
    await cameIn(page, marquee, viewer);
    await page.goto(`${marquee.url}/watch/${title.id}`);
    return page;
  }

  const now = (page) =>
    page.evaluate(() => {
      const video = document.querySelector('video');
      return { at_s: video.currentTime, rate: video.playbackRate };
    });

  /** Every way past the card that a viewer, their system or an extension has. */
  const WAYS = {
    'keys that skip': (page) => page.keyboard.press('l'),
    'keys that seek': (page) => page.keyboard.press('9'),
    'keys of speed': (page) => page.keyboard.press('>'),
    'the seek bar': async (page) => {
      await page.mouse.move(640, 300);
      const bar = await page.locator('.stage .seek').boundingBox();
      await page.mouse.click(bar.x + bar.width * 0.7, bar.y + bar.height / 2);
    },
    'keys of the seek bar': async (page) => {
      await page.locator('.stage .seek').focus();
      await page.keyboard.press('End');
    },
    'two taps on a side': (page) =>
      page.evaluate(() => {
        const surface = document.querySelector('.surface');
        const box = surface.getBoundingClientRect();
        for (let tap = 0; tap < 2; tap += 1) {
          const at = { clientX: box.right - 20, clientY: box.top + box.height / 2 };
          surface.dispatchEvent(new PointerEvent('pointerup', { bubbles: true, pointerType: 'touch', ...at }));
        }
      }),
    'an extension that seeks': (page) => page.evaluate(() => void (document.querySelector('video').currentTime = 12)),
    'an extension that speeds up': (page) => page.evaluate(() => void (document.querySelector('video').playbackRate = 4)),
  };

  test('the card is shown whole, and the film after it is what is watched', async (t) => {
    const { marquee } = world;
    const { title, viewer } = await licensed('aes128');
    const page = await opened({ title, viewer });
    await cover(page).click();
    await playedBeyond(page, 0.2);
    const begun_at = Date.now();
    const begun_s = (await now(page)).at_s;
    const [session] = page.sessions;
    assert.deepEqual(session.clips, [
      { kind: 'card', start_ms: 0, duration_ms: CARD_S * 1_000 },
      { kind: 'film', start_ms: CARD_S * 1_000, duration_ms: session.clips[1].duration_ms },
    ]);
    const [red, green, blue] = await page.evaluate(() => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 16, height: 9 });
      const context = canvas.getContext('2d');
      context.drawImage(document.querySelector('video'), 0, 0, 16, 9);
      return [...context.getImageData(0, 0, 1, 1).data];
    });
    assert.ok(red > 150 && green < 110 && blue < 90, `vermilion: ${red} ${green} ${blue}`);
    await page.mouse.move(640, 300);
    await page.locator('.stage .seek[aria-disabled=true]').waitFor();
    assert.equal(await page.locator('.time').innerText().then((text) => text.split('/')[0].trim()), '0:00');
    await page.screenshot({ path: new URL('out/en-1280-card.png', import.meta.url).pathname });
    for (const [way, go] of Object.entries(WAYS)) {
      await go(page);
      const { at_s } = await now(page);
      const passed_s = (Date.now() - begun_at) / 1_000;
      t.diagnostic(`${way}: ${at_s.toFixed(2)} s after ${(begun_s + passed_s).toFixed(2)} s`);
    }
    await page.waitForFunction(() => document.querySelector('video').playbackRate === 1);
    const locked = await page.evaluate(() => ['seekto', 'seekforward', 'seekbackward'].map((action) => window.handlers[action]));
    assert.deepEqual(locked, [null, null, null]);
    assert.ok((await now(page)).at_s < CARD_S, 'the card still runs');
    assert.deepEqual(page.keys, [], 'no key is asked for while it would be refused');

    await playedBeyond(page, CARD_S + 0.1);
    const passed_s = (Date.now() - begun_at) / 1_000;
    assert.ok(passed_s > CARD_S - begun_s - 0.2, `the card took ${passed_s} s`);
    await playedBeyond(page, CARD_S + 3);
    t.diagnostic(`3 s into the film after ${((Date.now() - begun_at) / 1_000 + begun_s).toFixed(2)} s`);
    const film = await observeVideo(page);
    assert.ok(mean(film.luma) > 8 && film.audio_bytes > 0 && film.buffered.length === 1, JSON.stringify(film));
    assert.ok(page.keys.length >= 2 && page.keys.every((status) => status === 200), `${page.keys}`);
    assert.equal(await page.evaluate(() => typeof window.handlers.seekto), 'function');

    await page.locator('.stage').focus();
    await page.keyboard.press('k');
    await page.waitForFunction(() => document.querySelector('video').paused);
    const paused_at_s = (await now(page)).at_s;
    await wait(500);
    const kept = page.positions.at(-1);
    assert.ok(Math.abs(kept.position_ms - (paused_at_s - CARD_S) * 1_000) < 60, `${kept.position_ms} at ${paused_at_s}`);
    assert.ok(Math.abs(kept.duration_ms - session.clips[1].duration_ms) < 100, `${kept.duration_ms}`);
    assert.ok(page.positions.every(({ position_ms }) => position_ms <= kept.position_ms), 'nothing was kept of the card');

    // Now the film is the viewer's: to its start is not to the card, and it may run faster.
    await page.keyboard.press('0');
    await page.waitForFunction((card_s) => Math.abs(document.querySelector('video').currentTime - card_s) < 0.05, CARD_S);
    await page.keyboard.press('>');
    assert.equal((await now(page)).rate, 1.25);
    await page.locator('.stage').getByRole('button', { name: 'Close the player' }).click();
    await wait(1_000);
    const { qoe } = await marquee.operate('GET', `/playback-sessions/${session.id}`);
    // A wait that is too short to be a stall counts as watched; the card never does.
    const most_ms = (paused_at_s - CARD_S) * 1_000 + 1_000;
    assert.ok(qoe.watched_ms > 2_500 && qoe.watched_ms <= most_ms, `${qoe.watched_ms} of ${most_ms}`);
    await close(page);
  });

  test('a sealed film follows its clear card: the licence is asked for once the card has run', async () => {
    const page = await opened(await licensed('cbcs'));
    await cover(page).click();
    await playedBeyond(page, CARD_S - 1);
    assert.deepEqual(page.keys, []);
    const card = await observeVideo(page);
    await playedBeyond(page, CARD_S + 6.5);
    const film = await observeVideo(page);
    assert.ok(film.video_bytes > card.video_bytes && film.audio_bytes > card.audio_bytes);
    assert.ok(page.keys.length >= 2 && page.keys.every((status) => status === 200), `${page.keys}`);
    await page.locator('video').screenshot({ path: new URL('out/en-1280-card-cbcs.png', import.meta.url).pathname });
    await close(page);
  });

  const SAID = {
    'en-GB': { kind: 'Online release licence', number: 'Number', save: 'Save licence', wrong: 'A number of this kind', remove: 'Remove licence' },
    'zh-CN': { kind: '网络剧片发行许可证', number: '编号', save: '保存许可', wrong: '此类编号的格式', remove: '移除许可' },
  };
  for (const [locale, said] of Object.entries(SAID)) {
    test(`${locale}: an operator enters the licence, its card is made, and viewers read the number`, async () => {
      const { marquee, browser } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const name = { en: `Licensed for ${locale}`, 'zh-CN': `雾港孤刀 ${locale}` };
      const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL', rank: 100 });
      await marquee.newAvail(title.id, { start_at: hence(-3600), end_at: hence(24 * 3600) });
      const desk = await openConsole(world, `/console/titles/${title.id}?tab=film`, { locale, expected: [422] });
      await desk.getByLabel(said.number, { exact: true }).fill('001');
      await desk.getByRole('button', { name: said.save }).click();
      await desk.getByText(said.wrong).waitFor();
      await desk.getByLabel(said.number, { exact: true }).fill(NUMBER);
      await desk.getByRole('button', { name: said.save }).click();
      await desk.locator('[data-card=ready]').waitFor({ timeout: READY_WITHIN_MS });
      await pictures(desk, desk.locator('[data-card]'), `${locale.slice(0, 2)}-licence-console`);

      const page = await openPage(browser, marquee, { locale });
      await page.goto(`${marquee.url}/title/${title.id}`);
      assert.equal(await page.locator('[data-licence]').innerText(), `${said.kind} ${NUMBER}`);
      await pictures(page, page.locator('[data-licence]'), `${locale.slice(0, 2)}-licence-title`);
      await close(page);

      // Edits of the title go on from the version that the licence made.
      await desk.getByRole('button', { name: said.remove }).click();
      await desk.locator('dialog[open]').getByRole('button', { name: said.remove }).click();
      await desk.locator('[data-card]').waitFor({ state: 'detached' });
      assert.equal((await marquee.operate('GET', `/titles/${title.id}`)).licence, null);
      await close(desk);
    });
  }

  /** What a person should see, wide and narrow, light and dark. */
  async function pictures(page, place, name) {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await place.first().scrollIntoViewIfNeeded();
        await page.screenshot({ path: new URL(`out/${name}-${width}-${colorScheme}.png`, import.meta.url).pathname });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name} is ${wide} px wider than a screen of ${width}`);
      }
    }
  }

  test('who goes on where they left off sees the card first', async () => {
    const { marquee } = world;
    const { title, viewer } = await licensed('aes128');
    const place = { part: 1, position_ms: 15_000, duration_ms: 30_000 };
    await marquee.call('PUT', `/progress/${title.id}`, { token: viewer.api_token, body: place });
    const page = await opened({ title, viewer });
    await cover(page, 'Resume from 0:15').click();
    await playedBeyond(page, CARD_S - 1);
    assert.ok((await now(page)).at_s < CARD_S);
    await playedBeyond(page, CARD_S + 15);
    const { at_s } = await now(page);
    assert.ok(at_s < CARD_S + 16.5, `${at_s}`);
    await playedBeyond(page, CARD_S + 16);
    await close(page);
  });
}
