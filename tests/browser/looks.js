// What is looked at: a picture for people in `out/`, and what a machine can judge. Nothing is wider than the screen, and
// axe-core finds nothing. Structure is judged once; another width or appearance of the same page only for what can differ.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

export const OUT = new URL('out/', import.meta.url).pathname;
const AXE = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const RULES = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
/** What depends on colours, and on how much room there is. */
const LOOK_RULES = { type: 'rule', values: ['color-contrast', 'target-size'] };

/** A picture, small and soon made. */
export function picture(page, name, { whole = true } = {}) {
  return page.screenshot({ path: `${OUT}${name}.jpg`, type: 'jpeg', quality: 80, fullPage: whole, animations: 'disabled' });
}

export async function fits(page, name) {
  const { scroll, screen } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    screen: document.documentElement.clientWidth,
  }));
  assert.ok(scroll <= screen, `${name}: ${scroll} px of content on ${screen} px`);
}

/** What axe-core says of the page as it stands. */
export async function judged(page, name, runOnly = RULES) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const found = await page.evaluate(async (rules) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: rules, resultTypes: ['violations'], preload: false });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  }, runOnly);
  assert.deepEqual(found, [], name);
}

/** A picture of a page, and what a machine has to say about it. */
export async function lookAt(page, name, { whole = true, rules = RULES } = {}) {
  await picture(page, name, { whole });
  await fits(page, name);
  await judged(page, name, rules);
}

/** The same page at the other width and in the other appearance: without a picture, and only for what can differ. */
export async function lookOtherwise(page, name, { viewport, colorScheme }) {
  await page.setViewportSize({ width: viewport.width === 390 ? 1440 : 390, height: viewport.height });
  await page.emulateMedia({ colorScheme: colorScheme === 'dark' ? 'light' : 'dark' });
  await resting(page);
  await fits(page, `${name}, otherwise`);
  await judged(page, `${name}, otherwise`, LOOK_RULES);
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
}

/** Colours of another appearance, and what moves in, have arrived. */
export const resting = (page) =>
  page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    const ending = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime !== Infinity);
    await Promise.all(ending.map((each) => each.finished.catch(() => undefined)));
    await frame();
  });

/** To another page of the site as a press on a link leads there, without loading everything again. */
export async function follow(page, url) {
  const here = new URL(page.url());
  const there = new URL(url);
  // Where one page only shows another thing, or a dialog covers every link, it is loaded.
  const kind = ({ pathname }) => pathname.split('/', pathname.startsWith('/console') ? 3 : 2).join('/');
  const covered = (await page.locator('dialog[open]').count()) > 0;
  if (covered || here.origin !== there.origin || kind(here) === kind(there)) return void (await page.goto(url));
  await page.evaluate((href) => {
    for (const heading of document.querySelectorAll('main h1')) heading.dataset.left = '';
    const link = Object.assign(document.createElement('a'), { href });
    document.body.append(link);
    link.click();
    link.remove();
  }, there.href);
  await page.waitForFunction(() => document.querySelector('h1[data-left]') === null);
}
