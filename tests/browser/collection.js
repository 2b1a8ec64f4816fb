// Every film of the shared collection, packaged by the real program, through hls.js in the real browser: from its start,
// near its middle, near its end and to its end. What the packager refuses is named with its code.
//
// MARQUEE_TEST_MEDIA  the folder of the collection; without it nothing here is tested

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const COLLECTION = process.env.MARQUEE_TEST_MEDIA;
const FOLDERS = ['films', 'torture'];

/** What is only copied: the whole ladder of these would take minutes in a debug build. */
const COPIED = new Set([
  'films/bbb-1080p-30s-51.mp4',
  'films/bbb-480p-30s-51.mp4',
  'films/sintel_trailer-720p.mp4',
  'torture/shaka-cea608-captions-test.ts',
]);

/** What is no film to the packager, and the code that it says. */
const REFUSED = {
  'torture/exo-sample_ac3_aac.mp4': 'INPUT_NO_VIDEO',
  'torture/mp4ff-ttml-stpp-progressive.mp4': 'INPUT_NO_VIDEO',
  'torture/moz-zero-timescale.mp4': 'INPUT_DAMAGED',
  'torture/truncated-mdat-faststart.mp4': 'INPUT_TRUNCATED',
  'torture/zero-length.mp4': 'INPUT_EMPTY',
};

/** What is published and does not play in hls.js, and why. */
const UNPLAYED = {
  'torture/exo-h265_with_metadata_track.mp4':
    'hls.js 1.7 never declares the end of three pictures with 0.08 s of sound, so it does not begin; without the sound it does',
};
const PATIENCE_MS = 30_000;
const PATIENCE_WITH_UNPLAYED_MS = 5_000;

const TYPES = { '.m3u8': 'application/vnd.apple.mpegurl', '.mp4': 'video/mp4', '.vtt': 'text/vtt' };

export function collection(world) {
  const options = COLLECTION ? {} : { skip: 'NOT TESTED: MARQUEE_TEST_MEDIA names no folder' };
  test('every film that is published plays in hls.js: at its start, its middle and to its end', options, async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'marquee-collection-'));
    const site = await serve(root);
    const context = await world.browser.newContext();
    try {
      const films = [];
      for (const folder of FOLDERS) {
        for (const name of await readdir(join(COLLECTION, folder))) films.push(`${folder}/${name}`);
      }
      assert.ok(films.length > 0, `nothing in ${COLLECTION}`);
      const wrong = [];
      const lane = async () => {
        for (let film = films.shift(); film; film = films.shift()) {
          const seen = await held(film, root, site, context).catch((error) => ({ errors: [error.message] }));
          const reason = UNPLAYED[film];
          if (reason && seen.duration_s > 0 && seen.errors.length > 0) t.diagnostic(`${film}: ${reason}`);
          else if (reason && seen.errors.length === 0) wrong.push(`${film} plays now: ${reason}?`);
          else if (seen.errors.length > 0) wrong.push(`${film}: ${JSON.stringify(seen)}`);
          else t.diagnostic(`${film}: ${seen.refused ?? `${seen.duration_s.toFixed(2)} s, ${seen.frames} pictures seen`}`);
        }
      };
      await Promise.all([lane(), lane()]);
      assert.deepEqual(wrong, []);
    } finally {
      await context.close();
      await site.close();
      await rm(root, { recursive: true, force: true });
    }
  });
}

/** Packages a film and plays it. */
async function held(film, root, site, context) {
  const name = film.replaceAll(/[^\w]/g, '-');
  const args = ['package', join(COLLECTION, film), '--out', join(root, name), '--no-pictures'];
  if (COPIED.has(film)) args.push('--copy');
  const binary = process.env.MARQUEE_TEST_BIN ?? new URL('../../target/debug/marquee', import.meta.url).pathname;
  const refusal = await promisify(execFile)(binary, args).then(() => undefined, ({ stderr }) => stderr);
  if (film in REFUSED || refusal !== undefined) {
    const code = REFUSED[film];
    return { refused: code, errors: code && refusal?.includes(`[${code}]`) ? [] : [`refused: ${refusal}, not ${code}`] };
  }
  const page = await context.newPage();
  try {
    await page.goto(site.url);
    const patience_ms = film in UNPLAYED ? PATIENCE_WITH_UNPLAYED_MS : PATIENCE_MS;
    return await page.evaluate(playThrough, { url: `${name}/main.m3u8`, patience_ms });
  } finally {
    await page.close();
    await rm(join(root, name), { recursive: true, force: true });
  }
}

/** A page with hls.js, and the packages beside it, by ranges as static servers have them. */
async function serve(root) {
  const hls = await readFile(new URL('node_modules/hls.js/dist/hls.min.js', import.meta.url));
  const page = '<!doctype html><title>collection</title><video muted width=320></video><script src="/hls.js"></script>';
  const server = createServer(async (request, response) => {
    if (request.url === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    if (request.url === '/hls.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(hls);
    const path = join(root, normalize(new URL(request.url, 'http://collection').pathname));
    const file = await stat(path).catch(() => undefined);
    if (!file) return response.writeHead(404).end();
    const type = { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' };
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!range) return createReadStream(path).pipe(response.writeHead(200, { ...type, 'content-length': file.size }));
    const [start, end] = [Number(range[1]), Math.min(Number(range[2]), file.size - 1)];
    const headers = { ...type, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${file.size}` };
    return createReadStream(path, { start, end }).pipe(response.writeHead(206, headers));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

/** Runs in the page. */
async function playThrough({ url, patience_ms }) {
  const video = document.querySelector('video');
  const errors = [];
  const hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, { fatal, details, error }) => {
    if (fatal) errors.push(`fatal: ${details} ${error?.message ?? ''}`);
  });
  video.addEventListener('error', () => errors.push(`${video.error.code} ${video.error.message}`));
  const until = async (what, is) => {
    const begun_at = performance.now();
    while (!is() && errors.length === 0) {
      if (performance.now() - begun_at > patience_ms) errors.push(`not ${what}: at ${video.currentTime} of ${video.duration}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const playedOn = async (from_s) => {
    const on_s = Math.min(from_s + 0.4, video.duration);
    await until(`played to ${on_s}`, () => video.ended || video.currentTime >= on_s);
  };
  hls.attachMedia(video);
  hls.loadSource(url);
  await until('known how long', () => video.duration > 0);
  video.play().catch((error) => errors.push(`${error}`));
  await playedOn(0);
  const { duration } = video;
  for (const at_s of [duration * 0.5, Math.max(duration - 0.8, duration * 0.8)]) {
    video.currentTime = at_s;
    await until(`at ${at_s}`, () => !video.seeking && video.currentTime >= at_s - 0.001);
    if (video.paused) video.play().catch((error) => errors.push(`${error}`));
    await playedOn(at_s);
  }
  await until('ended', () => video.ended);
  if (errors.length === 0 && Math.abs(video.currentTime - duration) > 0.3) errors.push(`ended at ${video.currentTime} of ${duration}`);
  const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
  if (frames === 0) errors.push('no picture');
  hls.destroy();
  return { errors, duration_s: duration, frames };
}
