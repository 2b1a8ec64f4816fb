// A film that is watched, and put on sale, while it is packaged. Its worker is stopped in the midst of copying.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { close, cover, openPage, phase, playedBeyond } from './chromium.js';
import { openConsole, startNew } from './console_house.js';
import { hence } from './marquee.js';

const FILM_S = 40;
const POLL_MS = 5;
const PIECE_S = 4;
const COPIED = 'v480.mp4';
/** The worker tells of its progress so often, if it runs for a moment. */
const TOLD_EVERY_MS = 300;
const BURST_MS = 1;
/** A job's row is written every two seconds. */
const SETTLED_MS = 2_200;
const HELD_WITHIN_MS = 120_000;
const PACKAGED_WITHIN_MS = 300_000;
const VIEWS = [{ width: 1440, colorScheme: 'light' }, { width: 390, colorScheme: 'dark' }];

export function growing(world) {
  let house;
  let site;
  let folder;
  let film;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'marquee-growing-'));
    film = join(folder, 'film.mp4');
    // Large for its size, so that copying it takes a while, and made of one piece many times, so that making it does not.
    const piece = join(folder, 'piece.mp4');
    const picture = `testsrc2=size=854x480:rate=24:duration=${PIECE_S},noise=alls=1:allf=t`;
    const encoding = ['-preset', 'ultrafast', '-qp', '6', '-g', '48', '-keyint_min', '48', '-sc_threshold', '0', '-pix_fmt', 'yuv420p'];
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', picture, '-c:v', 'libx264', ...encoding, piece]);
    const tone = ['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${FILM_S}`, '-c:v', 'copy', '-c:a', 'aac', '-ac', '2'];
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-stream_loop', String(FILM_S / PIECE_S - 1), '-i', piece, ...tone, film]);
    house = await startNew();
    site = { browser: world.browser, marquee: house };
  });
  after(async () => {
    await house?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The film, and French words beside it. */
  async function upload() {
    const words = Buffer.from('1\n00:00:01,000 --> 00:00:04,000\nUn trou dans la terre\n');
    const beside = await house.upload(words, { filename: 'words.srt', kind: 'subtitles', language: 'fr' });
    return house.upload(await readFile(film), { filename: 'premiere.mp4', beside: beside.upload_id });
  }

  /** The server's one child while it packages. */
  function worker() {
    const tasks = `/proc/${house.pid}/task`;
    const [pid] = readdirSync(tasks).flatMap((task) => readFileSync(`${tasks}/${task}/children`, 'utf8').match(/\d+/g) ?? []);
    return Number(pid);
  }

  const look = (job_id) => house.operate('GET', `/jobs/${job_id}`);

  function burst(pid) {
    process.kill(pid, 'SIGCONT');
    const begun_at = performance.now();
    while (performance.now() - begun_at < BURST_MS);
    process.kill(pid, 'SIGSTOP');
  }

  /** Stops the worker when it has copied less than half of the film. That takes a moment: nothing else may come in between. */
  function stopInTheMidst(asset_id, length) {
    const file = `/proc/${house.pid}/cwd/work/.${asset_id}.partial/${COPIED}`;
    const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const begun_at = performance.now();
    while (size() === 0) assert.ok(performance.now() - begun_at < HELD_WITHIN_MS, 'nothing is copied');
    const pid = worker();
    while (size() < length * 0.3);
    process.kill(pid, 'SIGSTOP');
    return pid;
  }

  /** A job that is stopped when only the first part of its film can be played. */
  async function held(t) {
    const { job_id, upload_id } = await upload();
    const length = (await stat(film)).size;
    const pid = stopInTheMidst(job_id.replace('job_', 'ast_'), length);
    // A job that is left stopped would keep all others waiting.
    t.after(() => existsSync(`/proc/${pid}/cwd`) && process.kill(pid, 'SIGKILL'));
    while (!(await look(job_id)).playable) {
      await wait(TOLD_EVERY_MS);
      burst(pid);
    }
    await wait(SETTLED_MS);
    const job = await look(job_id);
    assert.ok(job.playable.playable_ms < job.playable.film_ms, `not stopped in time: ${JSON.stringify(job)}`);
    return { pid, job, upload_id };
  }

  /** Kills worker after worker until the server gives the job up. */
  async function endWorkers(job_id, pid) {
    for (let next = pid; (await look(job_id)).status !== 'failed'; next = worker()) {
      try {
        if (next > 0) process.kill(next, 'SIGKILL');
      } catch (gone) {
        assert.equal(gone.code, 'ESRCH');
      }
      await wait(POLL_MS);
    }
  }

  /** A title of the film for everybody. */
  async function shown(asset_id) {
    const name = { en: 'Premiere', 'zh-CN': '首映' };
    const title = await house.operate('POST', '/titles', { name, assets: [asset_id], status: 'live', country: 'NL' });
    await house.newAvail(title.id, { license_type: 'avod', start_at: hence(-3600) });
    return title;
  }

  async function done(job_id) {
    const begun_at = Date.now();
    for (;;) {
      const job = await look(job_id);
      if (job.status === 'done') return;
      assert.ok(job.status !== 'failed' && Date.now() - begun_at < PACKAGED_WITHIN_MS, JSON.stringify(job));
      await wait(250);
    }
  }

  const bar = (page) => page.locator('.stage .seek');
  const now = (page) => page.evaluate(() => document.querySelector('video').currentTime);
  const picture = (page, name) => page.screenshot({ path: new URL(`out/${name}.png`, import.meta.url).pathname });
  const WAITS = { 'en-GB': 'The film is still being prepared. It goes on by itself.', 'zh-CN': '影片仍在制作，稍后自动继续。' };

  test('a film is watched to where it is there, goes on as it grows, and its rungs join while it plays', async (t) => {
    const { pid, job } = await held(t);
    t.diagnostic(`held at ${JSON.stringify(job.playable)}`);
    const title = await shown(job.asset_id);
    const page = await openPage(world.browser, house, { expected: [404] });
    await page.goto(`${house.url}/watch/${title.id}`);
    await cover(page).click();
    await playedBeyond(page, 1);

    // The whole length is known, and how much of it is there; nobody comes further.
    assert.equal(await bar(page).getAttribute('aria-valuemax'), String(FILM_S));
    assert.match(await bar(page).getAttribute('aria-valuetext'), / of 0:40, ready up to 0:\d\d$/);
    await bar(page).focus();
    await page.keyboard.press('End');
    const waits = page.locator('.said', { hasText: WAITS['en-GB'] });
    await waits.waitFor({ timeout: 30_000 });
    const there_s = await now(page);
    const said = (await look(job.id)).playable;
    assert.ok(Math.abs(there_s - said.playable_ms / 1_000) < 2, `${there_s} of ${JSON.stringify(said)}`);
    await page.mouse.move(1_000, 300);
    const { x, y, width, height } = await bar(page).boundingBox();
    await page.mouse.move(x + width * 0.9, y + height / 2);
    await page.locator('.preview', { hasText: 'Not ready yet' }).waitFor();
    await picture(page, 'en-1280-growing');
    await page.setViewportSize({ width: 390, height: 844 });
    await picture(page, 'en-390-growing');
    await page.setViewportSize({ width: 1280, height: 900 });
    assert.equal(await phase(page, 'playing').count(), 1, 'where it is there is not its end');

    assert.equal(await page.locator('.stage [data-menu=quality]').count(), 0, 'one rung is no choice');

    // It goes on by itself. From there on nothing breaks, and what is buffered stays: the smaller rung joins, and then the
    // film is complete.
    await page.evaluate((there_s) => {
      Object.assign(window, { breaks: [], ahead_s: Infinity });
      const video = document.querySelector('video');
      video.addEventListener('playing', () => {
        for (const event of ['emptied', 'seeking', 'pause']) {
          video.addEventListener(event, () => window.breaks.push(`${event} at ${video.currentTime}`));
        }
      }, { once: true });
      video.addEventListener('timeupdate', () => {
        const { buffered, currentTime } = video;
        if (currentTime < there_s + 3) return;
        const n = [...Array(buffered.length).keys()].find((i) => buffered.start(i) <= currentTime && currentTime <= buffered.end(i));
        window.ahead_s = Math.min(window.ahead_s, n === undefined ? 0 : buffered.end(n) - currentTime);
      });
    }, there_s);
    process.kill(pid, 'SIGCONT');
    await playedBeyond(page, there_s + 1);
    await page.waitForFunction(() => !document.querySelector('.stage .seek .missing'), null, { timeout: 60_000 });
    await page.locator('.stage [data-menu=quality]').waitFor({ timeout: 80_000, state: 'attached' });
    const joined_s = await now(page);
    t.diagnostic(`a second rung after ${joined_s.toFixed(1)} s of film`);
    await playedBeyond(page, joined_s + 5);
    assert.deepEqual(await page.evaluate(() => window.breaks), []);
    const ahead_s = await page.evaluate(() => window.ahead_s);
    assert.ok(ahead_s > 2, `only ${ahead_s} s were left`);
    await page.mouse.move(640, 300);
    await page.locator('.stage [data-menu=quality]').click();
    await page.getByRole('menuitemradio', { name: /360/ }).click();
    await page.waitForFunction(() => document.querySelector('video').videoHeight === 360, null, { timeout: 40_000 });
    await done(job.id);
    await page.locator('.stage').focus();
    await page.keyboard.press('9');
    await phase(page, 'ended').waitFor({ timeout: 60_000 });
    await close(page);
  });

  const WORDS = {
    'en-GB': { there: 'Playable now: 1 of 2 rungs', watch: 'Watch it', play: 'Play', away: 'The film is not here', again: 'Try again in a few minutes' },
    'zh-CN': { there: '现已可播放：2 档中的 1 档', watch: '观看', play: '播放', away: '影片暂时不可用', again: '请几分钟后重试' },
  };

  test('the console says what can be played, puts it into the title, and says what to do when the job fails', async (t) => {
    const { pid, job, upload_id } = await held(t);
    const title = await house.operate('POST', '/titles', { name: { en: 'A night', 'zh-CN': '一夜' }, status: 'live', country: 'NL' });
    await house.newAvail(title.id, { license_type: 'avod', start_at: hence(-3600) });
    const entry = { fingerprint: 'x', upload_id, job_id: job.id, title_id: title.id };
    for (const [locale, words] of Object.entries(WORDS)) {
      const desk = await openConsole(site, '/console/uploads', { locale });
      await desk.locator('[data-playable]', { hasText: words.there }).waitFor();
      const beside = desk.locator('article li', { hasText: 'words.srt' });
      assert.match(await beside.innerText(), locale === 'en-GB' ? /Subtitles · French/ : /字幕 · 法语/);
      await views(desk, `${locale.slice(0, 2)}-growing-uploads`);
      await desk.evaluate((kept) => localStorage.setItem('marquee.uploads', JSON.stringify([kept])), entry);
      await desk.goto(`${house.url}/console/titles/${title.id}?tab=film`);
      await desk.locator('[data-playable]').waitFor();
      await views(desk, `${locale.slice(0, 2)}-growing-film`);
      await close(desk);
    }
    const desk = await openConsole(site, `/console/titles/${title.id}?tab=film`, { locale: 'zh-CN', expected: [404] });
    await desk.evaluate((kept) => localStorage.setItem('marquee.uploads', JSON.stringify([kept])), entry);
    await desk.reload();
    await desk.getByRole('button', { name: '现在加入本片' }).click();
    const part = desk.locator('[data-part=partial]', { hasText: WORDS['zh-CN'].there });
    const watch = part.getByRole('link', { name: WORDS['zh-CN'].watch });
    assert.equal(await watch.getAttribute('href'), `/watch/${title.id}`);
    assert.deepEqual((await house.operate('GET', `/titles/${title.id}`)).assets, [job.asset_id]);
    await views(desk, 'zh-growing-used');

    // Somebody watches when one worker after the other dies: what is buffered plays on, and then it is said what happened.
    const pages = await Promise.all(Object.keys(WORDS).map((locale) => openPage(world.browser, house, { locale, expected: [404, 503] })));
    const each = (look) => Promise.all(Object.entries(WORDS).map(([locale, words], n) => look(pages[n], words, locale.slice(0, 2))));
    await each(async (page, { play }) => {
      await page.goto(`${house.url}/watch/${title.id}`);
      await cover(page, play).click();
      await playedBeyond(page, 1);
    });
    await endWorkers(job.id, pid);
    await each(async (page, { play, away, again }, name) => {
      await page.locator('.said', { hasText: away }).waitFor({ timeout: 60_000 });
      await picture(page, `${name}-1280-film-away`);
      await page.reload();
      // It offers to go on where it stopped.
      await page.locator('.stage').getByRole('button').first().click();
      const stopped = page.locator('[data-code=FILM_INTERRUPTED]', { hasText: again });
      await stopped.getByRole('button').first().waitFor({ timeout: 30_000 });
      await views(page, `${name}-film-interrupted`);
      await close(page);
    });

    await desk.reload();
    await desk.locator('[data-part=gone]').waitFor();
    await views(desk, 'zh-growing-gone');
    await desk.getByRole('button', { name: '移出' }).click();
    await desk.locator('dialog[open]').getByRole('button', { name: '移出' }).click();
    await desk.locator('[data-part=gone]').waitFor({ state: 'detached' });
    await close(desk);
  });

  /** What a person should see, wide and narrow, light and dark. */
  async function views(page, name) {
    for (const { width, colorScheme } of VIEWS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: new URL(`out/${name}-${width}-${colorScheme}.png`, import.meta.url).pathname, fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${name} is ${wide} px wider than a screen of ${width}`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  }
}
