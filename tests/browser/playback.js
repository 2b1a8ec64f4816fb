// Buying on the page and watching in the browser, down to the picture and the sound, and how a viewing ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  action, cameIn, card, close, cover, deviation, mean, observeVideo, openPage, phase, playedBeyond,
} from './chromium.js';
import { CHAPTERS, WORDS } from './marquee.js';

/** The leash of our own player: this long after a revocation nothing plays any more. */
const REVOKED_WITHIN_MS = 5_000;

/** From Play to the first frame: what even a busy machine keeps. */
const STARTUP_MS_MAX = 5_000;

export function playback(world) {
  test('ten seconds with picture and sound, no error, no foreign request; the start is quick', async (t) => {
    const { marquee, browser } = world;
    const title = marquee.title('pvod');
    const viewer = await marquee.newViewer();
    await marquee.buy(viewer, 'pvod');
    const page = await openPage(browser, marquee);
    const sessions = [];
    page.on('response', (response) => {
      if (response.request().method() === 'POST' && response.url().endsWith('/playback-sessions')) {
        sessions.push(response.status());
      }
    });
    await cameIn(page, marquee, viewer);
    await page.goto(`${marquee.url}/watch/${title.id}`);
    await cover(page).waitFor();
    assert.deepEqual(sessions, [], 'a page load opens no session');

    await cover(page).click();
    await playedBeyond(page, 3);
    const early = await observeVideo(page);
    await playedBeyond(page, 10);
    const late = await observeVideo(page);
    assert.deepEqual(sessions, [201]);
    const workers = page.workers().map((worker) => new URL(worker.url()).pathname);
    assert.match(workers.join(), /^\/assets\/hls\.worker-[\w-]+\.js$/, 'hls.js works in the worker that is served');
    for (const { luma } of [early, late]) {
      assert.ok(mean(luma) > 8, `the picture is not black (${mean(luma)})`);
      assert.ok(deviation(luma) > 4, `the picture is not one colour (${deviation(luma)})`);
    }
    const moved = mean(late.luma.map((value, i) => Math.abs(value - early.luma[i])));
    assert.ok(moved > 1, `the picture moves (${moved})`);
    assert.ok(early.audio_bytes > 0 && late.audio_bytes > early.audio_bytes, 'sound is decoded, and goes on');
    assert.ok(late.video_bytes > early.video_bytes);
    assert.equal(late.buffered.length, 1, 'no gap');
    const loud = await page.evaluate(loudness);
    assert.ok(loud > 0.001, `the sound is not silence (${loud})`);
    const startup_ms = await page.evaluate(() => performance.getEntriesByName('startup').at(-1).duration);
    t.diagnostic(`start-up: ${Math.round(startup_ms)} ms from Play to the first frame`);
    assert.ok(startup_ms < STARTUP_MS_MAX, `${startup_ms} ms`);
    await close(page);
  });

  for (const [locale, words, other] of [['en-GB', WORDS.en, WORDS.zh], ['zh-CN', WORDS.zh, WORDS.en]]) {
    test(`${locale}: the subtitles of a sealed film are shown when asked for, at their time, and chosen in the menu`, async () => {
      const { marquee, browser } = world;
      const viewer = await marquee.newViewer();
      await marquee.buy(viewer, 'pvod');
      const page = await openPage(browser, marquee, { locale });
      await cameIn(page, marquee, viewer);
      await page.goto(`${marquee.url}/watch/${marquee.title('pvod').id}`);
      await cover(page, locale === 'zh-CN' ? '播放' : 'Play').click();
      await playedBeyond(page, WORDS.from_s + 1);
      const shown = page.locator('.captions p');
      assert.equal(await shown.count(), 0, 'nothing is shown unasked');
      await page.keyboard.press('c');
      await shown.waitFor();
      assert.equal(await shown.innerText(), words);
      assert.equal(await shown.locator('i').count(), 1, 'italics are kept');
      await page.screenshot({ path: new URL(`out/${locale}-1280-captions.png`, import.meta.url).pathname });
      // The other language, by its own name, in the menu.
      await page.mouse.move(400, 300);
      await page.getByRole('button', { name: locale === 'zh-CN' ? '字幕' : 'Captions' }).first().click();
      await page.getByRole('menuitemradio', { name: locale === 'zh-CN' ? /英语|English/ : /Chinese|中文/ }).click();
      await page.waitForFunction((text) => document.querySelector('.captions p')?.innerText === text, other);
      // At nine tenths of its half minute the film has no words any more.
      await page.locator('.stage').focus();
      await page.keyboard.press('9');
      await playedBeyond(page, WORDS.to_s);
      await shown.waitFor({ state: 'detached' });
      await close(page);
    });
  }

  test('the seek bar shows the picture of where a press would go', async () => {
    const { marquee, browser } = world;
    const viewer = await marquee.newViewer();
    await marquee.buy(viewer, 'pvod');
    const page = await openPage(browser, marquee);
    await cameIn(page, marquee, viewer);
    await page.goto(`${marquee.url}/watch/${marquee.title('pvod').id}`);
    await cover(page).click();
    await playedBeyond(page, 1);
    const bar = await page.locator('.stage .seek').boundingBox();
    const areas = [];
    for (const share of [0.3, 0.7]) {
      await page.mouse.move(bar.x + bar.width * share, bar.y + bar.height / 2);
      const sheet = page.locator('.preview .sheet');
      await sheet.waitFor();
      const { url, ...area } = await sheet.evaluate((element) => {
        const { backgroundImage, backgroundPosition, width, height } = getComputedStyle(element);
        const [x, y] = backgroundPosition.split(' ').map((offset) => -parseFloat(offset));
        return { url: /url\("(.*)"\)/.exec(backgroundImage)[1], x, y, width: parseFloat(width), height: parseFloat(height) };
      });
      assert.match(new URL(url).pathname, /^\/play\/[^/]+\/ast_\w+\/storyboard\/0\.jpg$/, 'it is given out like the film');
      const luma = await page.evaluate(lumaOf, { url, area });
      assert.ok(deviation(luma) > 4, `the picture is not one colour (${deviation(luma)})`);
      areas.push(`${area.x},${area.y}`);
    }
    assert.notEqual(areas[0], areas[1], 'another place, another picture');
    await page.screenshot({ path: new URL('out/en-1280-storyboard.png', import.meta.url).pathname });
    await close(page);
  });

  for (const [locale, width, list, last] of [['en-GB', 1280, 'Chapters', 'Chapter 3'], ['zh-CN', 390, '章节', '第 3 章']]) {
    test(`${locale}, ${width} wide: chapters are marked on the seek bar, named there, and chosen by key from a list`, async () => {
      const { marquee, browser } = world;
      const viewer = await marquee.newViewer();
      await marquee.buy(viewer, 'pvod');
      const page = await openPage(browser, marquee, { locale, viewport: { width, height: 800 } });
      await cameIn(page, marquee, viewer);
      await page.goto(`${marquee.url}/watch/${marquee.title('pvod').id}`);
      await cover(page, locale === 'zh-CN' ? '播放' : 'Play').click();
      await playedBeyond(page, 1);
      const seek = page.getByRole('slider').first();
      const bar = await page.locator('.stage .seek').boundingBox();
      await page.mouse.move(bar.x + bar.width * 0.5, bar.y + bar.height / 2);
      assert.equal(await page.locator('.preview .chapter').innerText(), CHAPTERS[1].title);
      const marks = await page.locator('.seek .track .chapter').evaluateAll((all) => all.map((mark) => parseFloat(mark.style.left)));
      const length_s = Number(await seek.getAttribute('aria-valuemax'));
      const expected = CHAPTERS.slice(1).map(({ from_s }) => (100 * from_s) / length_s);
      assert.ok(marks.length === 2 && marks.every((at, n) => Math.abs(at - expected[n]) < 2), `${marks} near ${expected}`);
      await page.screenshot({ path: new URL(`out/${locale}-${width}-chapters.png`, import.meta.url).pathname });

      const opener = width > 800 ? list : '更多';
      await page.getByRole('button', { name: opener, exact: true }).first().focus();
      await page.keyboard.press('Enter');
      if (width <= 800) await page.getByRole('menuitem', { name: list }).press('Enter');
      const items = page.getByRole('menu', { name: list }).getByRole('menuitemradio');
      await items.nth(2).waitFor();
      assert.match(await items.nth(0).innerText(), /Morning\s+0:00/);
      assert.equal(await items.nth(0).getAttribute('aria-checked'), 'true', 'where the film is');
      assert.match(await items.nth(2).innerText(), new RegExp(`${last}\\s+0:20`));
      await page.screenshot({ path: new URL(`out/${locale}-${width}-chapter-list.png`, import.meta.url).pathname });
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await playedBeyond(page, 20);
      assert.match(await seek.getAttribute('aria-valuetext'), new RegExp(last));
      await close(page);
    });
  }

  test('leaving gives the stream back, and Play resumes where the viewer stopped', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('free');
    const page = await openPage(browser, marquee);
    const closed = [];
    page.on('request', (request) => {
      if (request.method() === 'DELETE') closed.push(new URL(request.url()).pathname);
    });
    await page.goto(`${marquee.url}/watch/${title.id}`);
    await cover(page).click();
    await playedBeyond(page, 1);
    await page.evaluate(() => (document.querySelector('video').currentTime = 14));
    await playedBeyond(page, 15);
    await page.locator('header .home').click();
    // Nobody is signed in: this browser knows the place.
    await card(page, title.id).waitFor();
    assert.equal(closed.length, 1, `one session given back: ${closed}`);

    await page.goto(`${marquee.url}/watch/${title.id}`);
    await page.locator('.stage').getByRole('button', { name: /^Resume from 0:1[4-9]$/ }).click();
    await playedBeyond(page, 14);
    assert.ok((await observeVideo(page)).current_s < 25);
    // The film's own end is not a place to resume from.
    await page.evaluate(({ video } = { video: document.querySelector('video') }) => (video.currentTime = video.duration - 1));
    await phase(page, 'ended').waitFor({ timeout: 30_000 });
    await page.locator('.stage').getByRole('button', { name: 'Play again' }).waitFor();
    assert.equal(closed.length, 2, `the second too: ${closed}`);
    await close(page);
  });

  for (const [locale, name] of [
    ['en-GB', /^Trailer/],
    ['zh-CN', /^预告片/],
  ]) {
    test(`${locale}: the trailer plays without an account, and the film is still for sale below it`, async () => {
      const { marquee, browser } = world;
      const page = await openPage(browser, marquee, { locale });
      await page.goto(`${marquee.url}/title/${marquee.title('pvod').id}`);
      await page.getByRole('button', { name }).click();
      await playedBeyond(page, 1);
      const { duration_s, video_bytes } = await observeVideo(page);
      assert.ok(video_bytes > 0 && duration_s > 5 && duration_s < 15, `${duration_s} s`);
      await action(page, 'buy').waitFor();
      await close(page);
    });
  }

  test('the keyboard is enough: play, pause, skip, seek, sound, speed, the sheet of keys, the menus', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee);
    await page.goto(`${marquee.url}/watch/${marquee.title('free').id}`);
    await cover(page).focus();
    await page.keyboard.press('Enter');
    await phase(page, 'playing').waitFor({ timeout: 60_000 });
    await playedBeyond(page, 0.2);
    // A function, not a string: the page's policy lets none be evaluated, and waiting may take more than one look.
    const video = (holds) => page.waitForFunction(holds);
    const middle = (plus_s) => page.waitForFunction((after_s) => {
      const { currentTime, duration } = document.querySelector('video');
      return Math.abs(currentTime - duration / 2 - after_s) < 0.5;
    }, plus_s);

    await page.keyboard.press('k');
    await video(() => document.querySelector('video').paused);
    await page.keyboard.press('5');
    await middle(0);
    await page.keyboard.press('ArrowRight');
    await middle(5);
    await page.keyboard.press('j');
    await middle(-5);
    await page.keyboard.press('m');
    await video(() => document.querySelector('video').muted);
    await page.keyboard.press('m');
    await video(() => !document.querySelector('video').muted);
    await page.keyboard.press('>');
    await video(() => document.querySelector('video').playbackRate > 1);
    await page.keyboard.press('<');
    await video(() => document.querySelector('video').playbackRate === 1);

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor({ state: 'detached' });

    // The seek bar is a slider with a value in words.
    const seek = page.getByRole('slider', { name: 'Position' });
    await seek.focus();
    await page.keyboard.press('Home');
    await video(() => document.querySelector('video').currentTime < 0.5);
    await seek.and(page.locator('[aria-valuetext^="0:00 of 0:"]')).waitFor();
    await page.locator('[data-menu=settings], [data-menu=speed]').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    assert.ok(await page.evaluate(() => document.activeElement.matches('[data-menu]')), 'the focus is where it was');

    await page.locator('.stage').focus();
    await page.keyboard.press(' ');
    await video(() => !document.querySelector('video').paused);
    await close(page);
  });

  test('a revoked grant ends the playback at once, although the film is buffered', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('pvod');
    const viewer = await marquee.newViewer();
    await marquee.buy(viewer, 'pvod');
    // The media may be refused first, or the event come first; either is right.
    const page = await openPage(browser, marquee, { expected: [401, 403] });
    await cameIn(page, marquee, viewer);
    await page.goto(`${marquee.url}/watch/${title.id}`);
    await cover(page).click();
    await playedBeyond(page, 2);
    await page.waitForFunction(bufferedAhead, 15, { timeout: 60_000 });

    const grant = await marquee.grantOf(viewer, 'pvod');
    const revoked_at = Date.now();
    await marquee.operate('POST', `/grants/${grant.id}/revoke`, { reason: 'a browser test' });
    await page.locator('.stage [role=alert]').waitFor({ timeout: REVOKED_WITHIN_MS });
    const took_ms = Date.now() - revoked_at;
    assert.ok(took_ms < REVOKED_WITHIN_MS, `${took_ms} ms`);

    const alert = page.locator('.stage [role=alert]');
    assert.equal(await alert.getAttribute('data-code'), 'GRANT_REVOKED');
    assert.ok((await alert.innerText()).includes('Your right to watch this film was withdrawn.'));
    assert.match(await alert.innerText(), /Request id/);
    await page.screenshot({ path: new URL('out/en-1280-revoked.png', import.meta.url).pathname, fullPage: true });
    const after = await observeVideo(page);
    assert.equal(after.buffered.length, 0, 'the buffer is gone');
    assert.equal(after.current_s, 0);
    await action(page).and(page.locator(':not([data-action=play] *, [data-action=resume] *)')).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(Play|Resume)/ }).count(), 0, 'Play is not offered');
    await close(page);
  });

  test('a session that the operator ends says so, and Play opens another that goes on', async () => {
    const { marquee, browser } = world;
    const title = marquee.title('free');
    const viewer = await marquee.newViewer();
    const page = await openPage(browser, marquee, { expected: [401, 403] });
    await cameIn(page, marquee, viewer);
    await page.goto(`${marquee.url}/watch/${title.id}`);
    const opened = page.waitForResponse((response) => response.url().endsWith('/playback-sessions'));
    await cover(page).click();
    const session = await (await opened).json();
    await playedBeyond(page, 6);
    await marquee.operate('POST', `/playback-sessions/${session.id}/revoke`, { reason: 'a browser test' });
    const alert = page.locator('.stage [role=alert]');
    await alert.waitFor({ timeout: REVOKED_WITHIN_MS });
    assert.equal(await alert.getAttribute('data-code'), 'SESSION_REVOKED');
    await page.getByRole('button', { name: /^Resume from 0:0[6-9]|0:1\d$/ }).click();
    await playedBeyond(page, 8);
    assert.equal(await alert.count(), 0);
    await close(page);
  });

  for (const [status, code, what, again] of [
    [403, 'GEO_NOT_LICENSED', 'This film is not licensed where you are.', false],
    [401, 'TOKEN_EXPIRED', 'This playback has run for as long as one may.', true],
  ]) {
    test(`media refused with ${status} ${code} ends the playback with that code and request id`, async () => {
      const { marquee, browser } = world;
      // What is on its way when the session is given back is refused by the server.
      const page = await openPage(browser, marquee, { expected: again ? [status, 403] : [status] });
      await page.goto(`${marquee.url}/watch/${marquee.title('free').id}`);
      const body = { type: 'about:blank', title: 'no', status, detail: 'no', code, request_id: 'req_of_the_media' };
      await page.route(/\/play\/.*\.m4s$/, (route) =>
        route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(body) }),
      );
      // Another session is slow to come: what the old one's stream is refused meanwhile must not be taken for its answer.
      let opened = 0;
      await page.route('**/playback-sessions', async (route) => {
        opened += 1;
        if (opened > 1) await new Promise((resolve) => setTimeout(resolve, 3_000));
        await route.continue();
      });
      await cover(page).click();
      const alert = page.locator('.stage [role=alert]');
      await alert.waitFor({ timeout: 30_000 });
      assert.equal(await alert.getAttribute('data-code'), code);
      assert.equal(opened, again ? 2 : 1, 'it is asked once more where that may help');
      const said = await alert.innerText();
      assert.ok(said.includes(what) && said.includes(code) && said.includes('req_of_the_media'), said);
      assert.equal(await page.getByRole('button', { name: 'Play again' }).count(), again ? 1 : 0, 'Play again');
      await close(page);
    });
  }
}

/** Runs in the page: the brightness of each pixel of a part of a picture. */
async function lumaOf({ url, area: { x, y, width, height } }) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const canvas = new OffscreenCanvas(width, height).getContext('2d');
  canvas.drawImage(picture, x, y, width, height, 0, 0, width, height);
  const { data } = canvas.getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
}

/** Runs in the page: the greatest amplitude heard within a second. */
async function loudness() {
  const context = new AudioContext();
  const source = context.createMediaElementSource(document.querySelector('video'));
  const analyser = context.createAnalyser();
  source.connect(analyser).connect(context.destination);
  const samples = new Float32Array(analyser.fftSize);
  let peak = 0;
  for (let i = 0; i < 20; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    analyser.getFloatTimeDomainData(samples);
    peak = Math.max(peak, ...samples.map(Math.abs));
  }
  return peak;
}

/** Runs in the page: whether this many seconds after the playhead are buffered. */
function bufferedAhead(seconds) {
  const { buffered, currentTime } = document.querySelector('video');
  return buffered.length > 0 && buffered.end(buffered.length - 1) - currentTime > seconds;
}
