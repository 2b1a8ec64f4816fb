// hls.js on a page of another origin, forced to another rung at every segment boundary: nothing may be missing, doubled
// or late. That also shows that the media may be read across origins, and that it needs nothing but its URL.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { test } from 'node:test';

/** Two boundaries closer than this are one to a decoder: a frame of the slowest film. */
const GAP_S_MAX = 0.05;

export function switching(world) {
  test('every rung follows every other without a gap', async () => {
    const { marquee, browser } = world;
    const viewer = await marquee.newViewer();
    const session = await marquee.call('POST', '/playback-sessions', {
      token: viewer.api_token,
      body: { title_id: marquee.title('free').id },
    });
    const site = await serve({
      '/': ['text/html', '<!doctype html><title>switching</title><video muted></video><script src="/hls.js"></script>'],
      '/hls.js': ['text/javascript', await readFile(new URL('node_modules/hls.js/dist/hls.min.js', import.meta.url))],
    });
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(site.url);
      const report = await page.evaluate(playSwitching, new URL(session.playback_url, marquee.url).href);

      assert.deepEqual(report.errors, []);
      assert.ok(report.levels.length >= 2, `${report.levels} rungs`);
      const rungs = report.fragments.map(({ level }) => level);
      assert.ok(rungs.length >= 4, `${rungs.length} segments`);
      for (let i = 1; i < rungs.length; i += 1) {
        assert.notEqual(rungs[i], rungs[i - 1], `segment ${i} is of another rung than the one before it: ${rungs}`);
        const gap_s = report.fragments[i].start_s - report.fragments[i - 1].end_s;
        assert.ok(Math.abs(gap_s) < GAP_S_MAX, `${gap_s} s between segments ${i - 1} and ${i}`);
      }
      assert.deepEqual([...new Set(rungs)].sort(), report.levels);
      for (const [kind, ranges] of Object.entries(report.ranges)) {
        assert.equal(ranges.length, 1, `one unbroken range of ${kind}: ${JSON.stringify(ranges)}`);
        assert.ok(ranges[0][0] < 0.2, `${kind} starts at the start: ${ranges[0][0]}`);
        assert.ok(ranges[0][1] > report.duration_s - 0.5, `${kind} reaches the end: ${ranges[0][1]}`);
      }
      assert.ok(report.played_s > report.duration_s - 0.5, `played to the end: ${report.played_s}`);
      assert.ok(report.heights.length >= 2, `pictures of several sizes were shown: ${report.heights}`);
    } finally {
      await context.close();
      await site.close();
    }
  });
}

/** Runs in the page: buffers the whole film with a switch at each segment, then plays it, fast, to its end. */
async function playSwitching(url) {
  const video = document.querySelector('video');
  const { Events, ErrorTypes } = Hls;
  const hls = new Hls({
    maxBufferLength: 600,
    maxBufferSize: 1e9,
    startLevel: 0,
    // Switching is ours alone.
    abrEwmaDefaultEstimate: 1e9,
    backBufferLength: Infinity,
  });
  // The rungs of one audio group: each picture is listed once for every group, and another group is another sound.
  const group = (level) => level.audioGroups?.[0];
  const rungs = () => hls.levels.flatMap((level, place) => (group(level) === group(hls.levels[0]) ? [place] : []));
  const errors = [];
  const fragments = [];
  const buffers = {};
  hls.on(Events.ERROR, (_, data) => {
    // A busy machine decodes late; a hole would be another error (bufferSeekOverHole, bufferNudgeOnStall).
    if (data.details === 'bufferStalledError' && !data.fatal && video.buffered.length === 1) return;
    errors.push(`${data.type} ${data.details} ${data.fatal ? 'fatal' : ''} ${data.error?.message ?? ''}`);
  });
  hls.on(Events.BUFFER_CREATED, (_, { tracks }) => {
    for (const [kind, track] of Object.entries(tracks)) buffers[kind] = track.buffer;
  });
  hls.on(Events.FRAG_LOADED, (_, { frag }) => {
    if (frag.type !== 'main' || frag.sn === 'initSegment') return;
    const all = rungs();
    hls.loadLevel = all[(all.indexOf(frag.level) + 1) % all.length];
  });
  hls.on(Events.FRAG_BUFFERED, (_, { frag }) => {
    if (frag.type !== 'main' || frag.sn === 'initSegment') return;
    const { startPTS, endPTS } = frag;
    fragments.push({ sn: frag.sn, level: frag.level, start_s: startPTS, end_s: endPTS });
  });
  const allBuffered = new Promise((resolve, reject) => {
    hls.on(Events.BUFFER_EOS, () => setTimeout(resolve, 500));
    setTimeout(() => reject(new Error(`not buffered to the end; ${JSON.stringify({ errors, fragments })}`)), 60_000);
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  await allBuffered;

  const ranges = {};
  const listed = (buffered) => Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
  for (const [kind, buffer] of Object.entries(buffers)) ranges[kind] = listed(buffer.buffered);

  const heights = new Set();
  video.addEventListener('resize', () => heights.add(video.videoHeight));
  heights.add(video.videoHeight);
  video.playbackRate = 2;
  const ended = new Promise((resolve, reject) => {
    video.addEventListener('ended', resolve);
    setTimeout(() => reject(new Error(`stopped at ${video.currentTime} of ${video.duration}`)), 60_000);
  });
  await video.play();
  await ended;
  return {
    levels: rungs(),
    errors,
    // On a busy machine hls.js may fetch one again from the next rung before it has seen it buffered: the last one stays.
    fragments: [...new Map(fragments.map((fragment) => [fragment.sn, fragment])).values()].sort((a, b) => a.sn - b.sn),
    ranges,
    duration_s: video.duration,
    played_s: video.currentTime,
    heights: [...heights],
  };
}

export async function serve(files) {
  const server = createServer((request, response) => {
    const file = files[request.url];
    response.writeHead(file ? 200 : 204, file ? { 'content-type': file[0] } : {}).end(file?.[1]);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
