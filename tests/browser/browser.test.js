// Every browser test, against one server and one Chromium. Each suite is a file; run one with
// `node --test --test-name-pattern='playback' browser.test.js`.

import { after, before, describe } from 'node:test';
import { account } from './account.js';
import { buying } from './buying.js';
import { cards } from './cards.js';
import { cashier } from './cashier.js';
import { launchChromium } from './chromium.js';
import { clearance } from './clearance.js';
import { clients } from './clients.js';
import { collection } from './collection.js';
import { figures } from './console.js';
import { night } from './console_night.js';
import { roles } from './console_roles.js';
import { consoleScreens } from './console_screens.js';
import { early } from './early.js';
import { exchange } from './exchange.js';
import { extras } from './extras.js';
import { growing } from './growing.js';
import { holdbacks } from './holdbacks.js';
import { startMarquee } from './marquee.js';
import { loading } from './loading.js';
import { members } from './members.js';
import { parties } from './parties.js';
import { partners } from './partners.js';
import { playback } from './playback.js';
import { preview } from './preview.js';
import { readme } from './readme.js';
import { refusals } from './refusals.js';
import { release } from './release.js';
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

  // What measures time, watches figures that every sale moves, or holds the thread of this process, has all to itself.
  const alone = {
    loading: () => loading(world),
    playback: () => playback(world),
    cards: () => cards(world),
    growing: () => growing(world),
    switching: () => switching(world),
    collection: () => collection(world),
    figures: () => figures(world),
  };
  // The others wait for films, servers and pictures, and run two at a time, what takes long first.
  const side_by_side = {
    night: () => night(world),
    looks: () => consoleScreens(world),
    buying: () => buying(world),
    series: () => series(world),
    screens: () => screens(world),
    cashier: () => cashier(world),
    sealed: () => sealed(world),
    clients: () => clients(world),
    partners: () => partners(world),
    parties: () => parties(world),
    preview: () => preview(world),
    clearance: () => clearance(world),
    early: () => early(world),
    members: () => members(world),
    holdbacks: () => holdbacks(world),
    release: () => release(world),
    extras: () => extras(world),
    exchange: () => exchange(world),
    roles: () => roles(world),
    account: () => account(world),
    storefronts: () => storefronts(world),
    refusals: () => refusals(world),
    readme: () => readme(world),
  };
  for (const [name, suite] of Object.entries(alone)) describe(name, suite);
  describe('side by side', { concurrency: 2 }, () => {
    for (const [name, suite] of Object.entries(side_by_side)) describe(name, { concurrency: 1 }, suite);
  });
});
