// Every page of the console: its address, its code, its name, who may open it, its key after `g`, its place in the
// navigation. Accounts of other parties have pages of their own, some at the same addresses. The server answers each of
// these addresses with the console's document.

import type { Component } from 'svelte';
import type { IconName } from '../kit/icons';
import type { Operator } from './api/operator';
import type { PartyKind } from './api/partners';
import type { Need } from './roles';
import type { en } from './words/shell';

export const paths = {
  home: '/console',
  wall: '/console/wall',

  titles: '/console/titles',
  title: '/console/titles/{title_id}',
  series: '/console/series',
  collections: '/console/collections',
  uploads: '/console/uploads',
  partners: '/console/partners',
  placements: '/console/placements',
  deals: '/console/deals',
  deal: '/console/deals/{deal_id}',
  codes: '/console/codes',
  outages: '/console/outages',

  orders: '/console/orders',
  order: '/console/orders/{purchase_id}',
  viewers: '/console/viewers',
  viewer: '/console/viewers/{viewer_id}',
  members: '/console/members',
  vouchers: '/console/vouchers',
  products: '/console/products',
  coupons: '/console/coupons',

  sessions: '/console/sessions',
  session: '/console/sessions/{session_id}',
  qoe: '/console/qoe',
  explain: '/console/explain',

  storefronts: '/console/storefronts',
  audit: '/console/audit',
  settings: '/console/settings',

  sign_in: '/console/sign-in',
  welcome: '/console/welcome',
} as const;

export type PageName = keyof typeof paths;

export interface Page {
  /** The parameters of its path are its props. */
  load: () => Promise<{ default: Component<any> }>;
  /** A word of the shell. */
  title: keyof typeof en;
  need: Need;
  /** `bare` has no navigation around it and needs no sign-in; `full` has none either, but does. */
  frame?: 'bare' | 'full';
  key?: string;
  nav?: { group: Group; icon: IconName; /** In the bar of a phone. */ bar?: true };
}

export type Pages = Partial<Record<PageName, Page>>;

export const groups = ['today', 'films', 'sales', 'playback', 'house'] as const;
export type Group = (typeof groups)[number];

/** The way in is the same for everybody. */
const doors: Pages = {
  sign_in: { load: () => import('./pages/SignIn.svelte'), title: 'sign_in', need: 'read', frame: 'bare' },
  welcome: { load: () => import('./pages/Welcome.svelte'), title: 'welcome', need: 'read', frame: 'bare' },
};

/** In the order of the navigation. */
const pages: Pages = {
  home: {
    load: () => import('./pages/Home.svelte'),
    title: 'home',
    need: 'read',
    key: 'h',
    nav: { group: 'today', icon: 'chart', bar: true },
  },
  wall: {
    load: () => import('./pages/Wall.svelte'),
    title: 'wall',
    need: 'read',
    frame: 'full',
    key: 'w',
    nav: { group: 'today', icon: 'device' },
  },

  titles: {
    load: () => import('./pages/Titles.svelte'),
    title: 'titles',
    need: 'read',
    key: 't',
    nav: { group: 'films', icon: 'film', bar: true },
  },
  title: { load: () => import('./pages/Title.svelte'), title: 'title', need: 'read' },
  series: {
    load: () => import('./pages/Series.svelte'),
    title: 'series',
    need: 'read',
    key: 'n',
    nav: { group: 'films', icon: 'grid' },
  },
  collections: {
    load: () => import('./pages/Collections.svelte'),
    title: 'collections',
    need: 'read',
    key: 'l',
    nav: { group: 'films', icon: 'calendar' },
  },
  uploads: {
    load: () => import('./pages/Uploads.svelte'),
    title: 'uploads',
    need: 'read',
    key: 'u',
    nav: { group: 'films', icon: 'upload' },
  },
  partners: {
    load: () => import('./pages/Partners.svelte'),
    title: 'partners',
    need: 'read',
    key: 'p',
    nav: { group: 'films', icon: 'users' },
  },
  placements: {
    load: () => import('./pages/Placements.svelte'),
    title: 'placements',
    need: 'read',
    key: 'b',
    nav: { group: 'films', icon: 'eye' },
  },

  orders: {
    load: () => import('./pages/Orders.svelte'),
    title: 'orders',
    need: 'read',
    key: 'o',
    nav: { group: 'sales', icon: 'card', bar: true },
  },
  order: { load: () => import('./pages/Order.svelte'), title: 'order', need: 'read' },
  viewers: {
    load: () => import('./pages/Viewers.svelte'),
    title: 'viewers',
    need: 'read',
    key: 'v',
    nav: { group: 'sales', icon: 'user' },
  },
  viewer: { load: () => import('./pages/Viewer.svelte'), title: 'viewer', need: 'read' },
  members: {
    load: () => import('./pages/Members.svelte'),
    title: 'members',
    need: 'read',
    key: 'm',
    nav: { group: 'sales', icon: 'star' },
  },
  vouchers: {
    load: () => import('./pages/Vouchers.svelte'),
    title: 'vouchers',
    need: 'read',
    key: 'r',
    nav: { group: 'sales', icon: 'ticket' },
  },
  products: {
    load: () => import('./pages/Products.svelte'),
    title: 'products',
    need: 'read',
    key: 'd',
    nav: { group: 'sales', icon: 'stack' },
  },
  coupons: {
    load: () => import('./pages/Coupons.svelte'),
    title: 'coupons',
    need: 'read',
    key: 'c',
    nav: { group: 'sales', icon: 'tag' },
  },

  sessions: {
    load: () => import('./pages/Sessions.svelte'),
    title: 'sessions',
    need: 'read',
    key: 's',
    nav: { group: 'playback', icon: 'play', bar: true },
  },
  session: { load: () => import('./pages/Session.svelte'), title: 'session', need: 'read' },
  qoe: {
    load: () => import('./pages/Qoe.svelte'),
    title: 'qoe',
    need: 'read',
    key: 'q',
    nav: { group: 'playback', icon: 'pulse' },
  },
  explain: {
    load: () => import('./pages/Explain.svelte'),
    title: 'explain',
    need: 'read',
    key: 'e',
    nav: { group: 'playback', icon: 'key' },
  },

  outages: {
    load: () => import('./pages/Outages.svelte'),
    title: 'outages',
    need: 'read',
    key: 'x',
    nav: { group: 'playback', icon: 'alert' },
  },

  storefronts: {
    load: () => import('./pages/Storefronts.svelte'),
    title: 'storefronts',
    need: 'read',
    key: 'f',
    nav: { group: 'house', icon: 'globe' },
  },
  audit: {
    load: () => import('./pages/Audit.svelte'),
    title: 'audit',
    need: 'read',
    key: 'a',
    nav: { group: 'house', icon: 'list' },
  },
  settings: {
    load: () => import('./pages/Settings.svelte'),
    title: 'settings',
    need: 'own',
    key: 'i',
    nav: { group: 'house', icon: 'settings' },
  },

  ...doors,
};

const party_pages: Pages = {
  home: { load: () => import('./party/Titles.svelte'), title: 'titles', need: 'party' },
  titles: {
    load: () => import('./party/Titles.svelte'),
    title: 'titles',
    need: 'party',
    key: 't',
    nav: { group: 'films', icon: 'film', bar: true },
  },
  title: { load: () => import('./party/Title.svelte'), title: 'title', need: 'party' },
  deals: {
    load: () => import('./party/Deals.svelte'),
    title: 'deals',
    need: 'party',
    key: 'd',
    nav: { group: 'films', icon: 'calendar', bar: true },
  },
  deal: { load: () => import('./party/Deal.svelte'), title: 'deal', need: 'party' },
  codes: {
    load: () => import('./party/Codes.svelte'),
    title: 'codes',
    need: 'party',
    key: 'c',
    nav: { group: 'films', icon: 'ticket', bar: true },
  },
  outages: {
    load: () => import('./party/Outages.svelte'),
    title: 'outages',
    need: 'party',
    key: 'o',
    nav: { group: 'films', icon: 'alert', bar: true },
  },
  ...doors,
};

/** Vouchers are sold for us by circuits and platforms; the others have no page of them. */
const SELL_CODES: readonly PartyKind[] = ['circuit', 'partner'];

/** The pages of whoever is here: for an account of another party no page of the operators' is there at all. */
export function pagesOf(operator: Pick<Operator, 'role' | 'party'> | null): Pages {
  if (operator?.role !== 'party') return pages;
  const { codes, ...others } = party_pages;
  return operator.party && SELL_CODES.includes(operator.party.kind) ? party_pages : others;
}

/** The page in the navigation under which an address lies: a session under the sessions. */
export function navPageOf(name: PageName | 'unknown', pages: Pages): PageName | null {
  if (name === 'unknown') return null;
  if (pages[name]?.nav) return name;
  const path: string = paths[name];
  const above = Object.entries(paths).filter(([page]) => pages[page as PageName]?.nav && page !== 'home');
  return (above.find(([, candidate]) => path.startsWith(`${candidate}/`))?.[0] as PageName | undefined) ?? null;
}
