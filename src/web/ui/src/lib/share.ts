// Links to a title that are handed on: its page, or its page with the trailer or a clip playing, and the campaign.

import { clipOf, type Teaser } from '../player/teaser';
import type { Title } from './api';
import { withCampaign } from './campaign';

export function shareLink(origin: string, title_id: string, teaser: Teaser | null, campaign: string | null): string {
  const page = `${origin}/title/${encodeURIComponent(title_id)}`;
  return withCampaign(teaser === null ? page : `${page}?play=${teaser}`, campaign);
}

/** Whether the title has what a link names. */
export function hasTeaser({ trailer, preview, clips }: Pick<Title, 'trailer' | 'preview' | 'clips'>, teaser: Teaser): boolean {
  const clip = clipOf(teaser);
  if (clip !== null) return clip <= (clips?.length ?? 0);
  return (teaser === 'trailer' ? trailer : preview) != null;
}
