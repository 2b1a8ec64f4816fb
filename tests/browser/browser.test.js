// Every browser test, against one server and one Chromium. Each suite is a file; run one with
// `node --test --test-name-pattern='playback' browser.test.js`.

import { after, before, describe } from 'node:test';
import { launchChromium } from './chromium.js';
import { startMarquee } from './marquee.js';
import { playback } from './playback.js';
import { refusals } from './refusals.js';
import { screens } from './screens.js';
import { switching } from './switching.js';

/** Filled before the first test runs. */
const world = { marquee: null, browser: null };

describe('browser', { timeout: 900_000 }, () => {
  before(async () => {
    world.marquee = await startMarquee();
    world.browser = await launchChromium();
  });
  after(async () => {
    await world.browser?.close();
    await world.marquee?.stop();
  });
  describe('refusals', () => refusals(world));
  describe('playback', () => playback(world));
  describe('switching', () => switching(world));
  describe('screens', () => screens(world));
});
