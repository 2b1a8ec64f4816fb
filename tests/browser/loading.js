// How heavy the wall is and how soon it stands: bytes over the wire and stability are asserted, times are printed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, openPage } from './chromium.js';

/** Document, scripts, styles and data of the wall, compressed, before anything is pressed; pictures are the films' own. */
const WALL_BYTES_MAX = 150 * 1024;
const LAYOUT_SHIFT_MAX = 0.1;

export function loading(world) {
  for (const width of [390, 1440]) {
    test(`the wall at ${width} px: light, and nothing jumps`, async (t) => {
      const { marquee, browser } = world;
      const page = await openPage(browser, marquee, { viewport: { width, height: 900 } });
      await page.addInitScript(observe);
      const network = await page.context().newCDPSession(page);
      await network.send('Network.enable');
      const sent = new Map();
      network.on('Network.responseReceived', ({ requestId, response, type }) => {
        sent.set(requestId, { type, path: new URL(response.url).pathname, bytes: 0 });
      });
      network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        const answer = sent.get(requestId);
        if (answer) answer.bytes = encodedDataLength;
      });
      await page.goto(`${marquee.url}/`);
      await page.locator('[data-lead]').waitFor();
      await page.waitForLoadState('networkidle');
      const answers = [...sent.values()];
      const ours = answers.filter(({ type }) => type !== 'Image');
      const bytes = ours.reduce((sum, answer) => sum + answer.bytes, 0);
      t.diagnostic(`${width} px: ${(bytes / 1024).toFixed(1)} KiB in ${ours.length} answers, pictures apart`);
      const heaviest = ours.toSorted((one, other) => other.bytes - one.bytes).slice(0, 4);
      t.diagnostic(heaviest.map(({ path, bytes }) => `${path} ${(bytes / 1024).toFixed(1)}`).join(', '));
      assert.ok(bytes > 10_000, `${bytes} bytes were counted`);
      assert.ok(bytes <= WALL_BYTES_MAX, `${bytes} bytes: ${JSON.stringify(heaviest)}`);
      assert.ok(!answers.some(({ path }) => /hls|Player|console/.test(path)), 'neither the player nor the console is loaded');

      const seen = await page.evaluate(() => window.seen());
      for (const [name, value] of Object.entries(seen)) t.diagnostic(`${width} px: ${name} ${value}`);
      assert.ok(seen.lcp_ms > 0, 'something large was painted');
      assert.ok(seen.cls < LAYOUT_SHIFT_MAX, `layout shift ${seen.cls}`);
      await close(page);
    });
  }
}

/** Runs in the page, before everything else in it. */
function observe() {
  const seen = { lcp_ms: 0, cls: 0, blocked_ms: 0 };
  const watch = (type, hear) =>
    new PerformanceObserver((list) => list.getEntries().forEach(hear)).observe({ type, buffered: true });
  watch('largest-contentful-paint', (entry) => (seen.lcp_ms = Math.round(entry.startTime)));
  watch('layout-shift', (entry) => {
    if (!entry.hadRecentInput) seen.cls += entry.value;
  });
  watch('longtask', (entry) => (seen.blocked_ms += Math.max(0, entry.duration - 50)));
  window.seen = () => {
    const [navigation] = performance.getEntriesByType('navigation');
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return {
      ttfb_ms: Math.round(navigation.responseStart),
      fcp_ms: Math.round(paint.startTime),
      ...seen,
      cls: Math.round(seen.cls * 1000) / 1000,
      blocked_ms: Math.round(seen.blocked_ms),
    };
  };
}
