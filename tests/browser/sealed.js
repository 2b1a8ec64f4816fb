// Films sealed with cbcs, opened by Chromium's ClearKey module: in our own player, and in Shaka Player on a page of another
// origin, which is given nothing but the session's URL.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { cameIn, close, cover, observeVideo, openPage, playedBeyond } from './chromium.js';
import { WORDS, hence } from './marquee.js';
import { serve } from './switching.js';

export function sealed(world) {
  /** A new title of the demo's film, sealed, and a viewer who has bought it. */
  async function bought() {
    const { marquee } = world;
    const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
    const name = { en: 'Sealed', 'zh-CN': '加密影片' };
    const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL', rank: 100, protection: 'cbcs' });
    const avail = await marquee.newAvail(title.id, { start_at: hence(-3600), end_at: hence(24 * 3600) });
    const offer = await marquee.newOffer(avail.id);
    const viewer = await marquee.newViewer();
    await marquee.call('POST', '/purchases', {
      token: viewer.api_token,
      headers: { 'idempotency-key': crypto.randomUUID() },
      body: { offer_id: offer.id, payment: { method: 'sandbox', outcome: 'paid' } },
    });
    return { title, viewer };
  }

  test('our own player opens it with licences, picture, sound and words', async () => {
    const { marquee, browser } = world;
    const { title, viewer } = await bought();
    const page = await openPage(browser, marquee);
    const asked = [];
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (/\/(key|clearkey)$/.test(pathname)) asked.push(`${response.request().method()} ${pathname.split('/').slice(3).join('/')} ${response.status()}`);
    });
    await cameIn(page, marquee, viewer);
    await page.goto(`${marquee.url}/watch/${title.id}`);
    await cover(page).click();
    await playedBeyond(page, WORDS.from_s + 1);
    const early = await observeVideo(page);
    await page.keyboard.press('c');
    await page.locator('.captions p').waitFor();
    await playedBeyond(page, 10);
    const late = await observeVideo(page);
    // A canvas gets no picture of what a decryption module has opened; the screen does.
    const pictures = [];
    for (const at_s of [11, 12]) {
      await playedBeyond(page, at_s);
      pictures.push(await page.locator('video').screenshot({ path: new URL(`out/en-1280-cbcs-${at_s}.png`, import.meta.url).pathname }));
    }
    assert.ok(pictures.every(({ length }) => length > 50_000), `no picture: ${pictures.map(({ length }) => length)} bytes`);
    assert.ok(!pictures[0].equals(pictures[1]), 'the picture moves');
    assert.ok(late.audio_bytes > early.audio_bytes && late.video_bytes > early.video_bytes);
    assert.ok(await page.evaluate(() => document.querySelector('video').mediaKeys !== null));
    const licenses = asked.filter((line) => line === 'POST license/clearkey 200');
    assert.ok(licenses.length >= 2, `${asked}`);
    const keys = asked.filter((line) => !licenses.includes(line));
    assert.ok(keys.every((line) => /^GET ast_\w+\/t-[\w-]+\/key 200$/.test(line)), `only of words: ${keys}`);
    // Seeking to a place that is not there yet needs no other key.
    await page.evaluate(() => (document.querySelector('video').currentTime = 22));
    await playedBeyond(page, 23);
    await close(page);
  });

  const CONFIGURATIONS = {
    'by the key that the playlist names': () => ({}),
    'by a licence': (url) => ({
      drm: { servers: { 'org.w3.clearkey': url.replace('main.m3u8', 'license/clearkey') } },
      manifest: { hls: { ignoreDrmInfo: true } },
    }),
  };
  for (const [how, configuration] of Object.entries(CONFIGURATIONS)) {
    test(`Shaka Player opens it ${how}`, async () => {
      const { marquee, browser } = world;
      const { title, viewer } = await bought();
      const session = await marquee.call('POST', '/playback-sessions', { token: viewer.api_token, body: { title_id: title.id } });
      const url = new URL(session.playback_url, marquee.url).href;
      const site = await serve({
        '/': ['text/html', '<!doctype html><title>shaka</title><video muted></video><script src="/shaka.js"></script>'],
        '/shaka.js': ['text/javascript', await readFile(new URL('node_modules/shaka-player/dist/shaka-player.compiled.js', import.meta.url))],
      });
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(site.url);
        const report = await page.evaluate(playInShaka, { url, configuration: configuration(url) });
        assert.deepEqual(report.errors, []);
        assert.equal(report.key_system, 'org.w3.clearkey');
        assert.ok(report.played_s > 4 && report.frames > 0, JSON.stringify(report));
        assert.ok(report.texts.length > 0, 'words are listed');
      } finally {
        await context.close();
        await site.close();
      }
    });
  }
}

/** Runs in the page. */
async function playInShaka({ url, configuration }) {
  const video = document.querySelector('video');
  const errors = [];
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  player.addEventListener('error', ({ detail }) => errors.push(`${detail.code} ${detail.data}`));
  await player.attach(video);
  player.configure(configuration);
  try {
    await player.load(url);
    await video.play();
    const begun_at = performance.now();
    while (video.currentTime < 4.5 && errors.length === 0 && performance.now() - begun_at < 40_000) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (error) {
    errors.push(`${error.code ?? error} ${error.data ?? ''}`);
  }
  return {
    errors,
    key_system: player.keySystem(),
    played_s: video.currentTime,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    texts: player.getTextTracks().map(({ language }) => language),
  };
}
