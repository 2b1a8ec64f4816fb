// Every browser test, against one server and one Chromium. Each suite is a file; run one with
// `node --test --test-name-pattern='playback' browser.test.js`.

import { after, before, describe } from 'node:test';
import { account } from './account.js';
import { buying } from './buying.js';
import { cards } from './cards.js';
import { launchChromium } from './chromium.js';
import { clearance } from './clearance.js';
import { clients } from './clients.js';
import { collection } from './collection.js';
import { operatorConsole } from './console.js';
import { early } from './early.js';
import { exchange } from './exchange.js';
import { extras } from './extras.js';
import { growing } from './growing.js';
import { holdbacks } from './holdbacks.js';
import { startMarquee } from './marquee.js';
import { loading } from './loading.js';
import { partners } from './partners.js';
import { playback } from './playback.js';
import { preview } from './preview.js';
import { readme } from './readme.js';
import { refusals } from './refusals.js';
import { screens } from './screens.js';
import { sealed } from './sealed.js';
import { series } from './series.js';
import { storefronts } from './storefronts.js';
import { switching } from './switching.js';

/** Filled before the first test runs. */
const world = { marquee: null, browser: null };

describe('browser', { timeout: 1_800_000 }, () => {
  before(async () => {
    world.marquee = await startMarquee();
    world.browser = await launchChromium();
  });
  after(async () => {
    await world.browser?.close();
    await world.marquee?.stop();
  });
  describe('loading', () => loading(world));
  describe('screens', () => screens(world));
  describe('buying', () => buying(world));
  describe('playback', () => playback(world));
  describe('sealed', () => sealed(world));
  describe('cards', () => cards(world));
  describe('clearance', () => clearance(world));
  describe('holdbacks', () => holdbacks(world));
  describe('partners', () => partners(world));
  describe('early', () => early(world));
  describe('preview', () => preview(world));
  describe('series', () => series(world));
  describe('extras', () => extras(world));
  describe('exchange', () => exchange(world));
  describe('clients', () => clients(world));
  describe('collection', () => collection(world));
  describe('growing', () => growing(world));
  describe('switching', () => switching(world));
  describe('readme', () => readme(world));
  describe('refusals', () => refusals(world));
  describe('account', () => account(world));
  describe('storefronts', () => storefronts(world));
  describe('console', () => operatorConsole(world));
});
