// The storefront's addresses. The server answers exactly these with the storefront's document.

import { pathOf, placeOf } from './pattern';
import { Router } from './router.svelte';

export const paths = {
  wall: '/',
  title: '/title/{title_id}',
  watch: '/watch/{title_id}',
  series: '/series/{series_id}',
  collection: '/collection/{collection_id}',
  purchases: '/purchases',
  receipt: '/purchases/{purchase_id}',
  redeem: '/redeem',
  account: '/account',
  cashier: '/cashier/{payment_id}',
  sign_in: '/sign-in',
} as const;

export const route = new Router(paths);
export const watchPath = (title_id: string): string => pathOf(paths.watch, { title_id });
export const titlePath = (title_id: string): string => pathOf(paths.title, { title_id });
export const seriesPath = (series_id: string): string => pathOf(paths.series, { series_id });
export const collectionPath = (collection_id: string): string => pathOf(paths.collection, { collection_id });
/** The account page at the list of where one is signed in. */
export const devicesPath = `${paths.account}?see=devices`;
export const receiptPath = (purchase_id: string): string => pathOf(paths.receipt, { purchase_id });

/** Where to go on after signing in: an address of ours, and no other. */
export function nextOf(asked: string | null): string {
  if (asked === null || !asked.startsWith('/') || asked.startsWith('//') || asked.includes('\\')) return paths.wall;
  return placeOf(paths, asked.split(/[?#]/)[0] ?? '').page === 'unknown' ? paths.wall : asked;
}
