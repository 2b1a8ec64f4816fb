// The console's address: which page it names, and the state in its query.

import { Router } from '../lib/router.svelte';
import { pathOf } from '../lib/pattern';
import { paths } from './routes';

export const route = new Router(paths);
export const sessionPath = (session_id: string): string => pathOf(paths.session, { session_id });
export const titlePath = (title_id: string, tab?: string): string =>
  pathOf(paths.title, { title_id }) + (tab === undefined ? '' : `?tab=${tab}`);
export const dealPath = (deal_id: string): string => pathOf(paths.deal, { deal_id });
export const orderPath = (purchase_id: string): string => pathOf(paths.order, { purchase_id });
export const viewerPath = (viewer_id: string): string => pathOf(paths.viewer, { viewer_id });
