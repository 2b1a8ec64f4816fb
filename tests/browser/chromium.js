// Debian's Chromium, and pages that keep a record of everything that should not happen on them.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/snap/bin/chromium', '/usr/bin/google-chrome'];

export function launchChromium() {
  const executablePath = process.env.CHROMIUM ?? CANDIDATES.find((path) => existsSync(path));
  if (!executablePath) throw new Error('no Chromium here: apt-get install chromium, or name one in CHROMIUM');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
}

/**
 * A page in a profile of its own. `page.faults` fills with console errors, uncaught exceptions and requests to any
 * other host than the server's. A refusal that a test provokes shows in the console as a failed resource: name its
 * status in `expected`.
 */
export async function openPage(browser, marquee, { locale = 'en-GB', expected = [], origin = marquee.url, ...options } = {}) {
  const context = await browser.newContext({ locale, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.faults = faults;
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const refused = /the server responded with a status of (\d+)/.exec(message.text());
    if (refused && expected.includes(Number(refused[1]))) return;
    faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.stack}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(blob|data):/.test(url)) faults.push(`foreign request: ${url}`);
  });
  return page;
}

/** Nothing happened on the page that should not have; then its profile goes. */
export async function close(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

/** Signs in as a viewer would. */
export async function signIn(page, marquee, { email, password }) {
  await page.goto(`${marquee.url}/sign-in`);
  await fillSignIn(page, { email, password });
  await page.locator('[data-signed-in]').waitFor();
}

export async function fillSignIn(scope, { email, password }) {
  const form = scope.locator('form#sign-in');
  await form.locator('[name=email]').fill(email);
  await form.locator('[name=password]').fill(password);
  await form.locator('[type=submit]').click();
}

/** The profile comes signed in: for tests of something else, since sign-ins are limited by address. */
export async function cameIn(page, marquee, { api_token }, origin = marquee.url) {
  const { host } = new URL(origin);
  await page.context().addCookies([
    { name: '__Host-marquee', value: api_token, url: `https://${host}/`, secure: true, httpOnly: true, sameSite: 'Lax' },
  ]);
}

/** A title on the wall, where its poster stands on a shelf. */
export const card = (page, title_id) => page.locator(`article[data-title="${title_id}"]`);

/** The one button of the page of a title, and what it does. */
export const action = (page, does) =>
  page.locator(`article[data-title] [data-action${does === undefined ? '' : `="${does}"`}] button`).first();

export const sheet = (page) => page.locator('dialog[open] [data-step]');

/** Opens a title's page, presses its price, and pays in the sheet by this method of the sandbox. */
export async function buyOnPage(page, marquee, slug, outcome = 'paid') {
  await page.goto(`${marquee.url}/title/${marquee.title(slug).id}`);
  await action(page).click();
  await payBy(page, outcome);
}

export async function payBy(page, outcome) {
  const step = sheet(page).and(page.locator('[data-step=pay]'));
  await step.locator(`[name=outcome][value=${outcome}]`).check();
  await step.locator('[type=submit]').click();
}

/** The film, when its address alone has lit the screen. */
export const cover = (page, name = 'Play') => page.locator('.stage').getByRole('button', { name, exact: true });

/** Waits until the video has played beyond this position. */
export function playedBeyond(page, seconds, timeout = (seconds + 45) * 1000) {
  return page.waitForFunction((at) => document.querySelector('video')?.currentTime > at, seconds, { timeout });
}

/** The stage's own word on what it does. */
export const phase = (page, name) => page.locator(`.stage[data-phase=${name}]`);

/** What the video shows and sounds like now: a small picture, and how many bytes of each kind were decoded. */
export function observeVideo(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 64, 36);
    const { data } = context.getImageData(0, 0, 64, 36);
    const luma = [];
    for (let i = 0; i < data.length; i += 4) luma.push((data[i] * 3 + data[i + 1] * 6 + data[i + 2]) / 10);
    return {
      luma,
      audio_bytes: video.webkitAudioDecodedByteCount,
      video_bytes: video.webkitVideoDecodedByteCount,
      current_s: video.currentTime,
      duration_s: video.duration,
      paused: video.paused,
      buffered: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
    };
  });
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function deviation(values) {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}
