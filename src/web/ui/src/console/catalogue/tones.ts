// The tones of the states of a title.

import type { Tone } from '../../kit/Badge.svelte';
import type { ComplianceState, TitleStatus } from '../api/catalogue';

export const statusTones: Record<TitleStatus, Tone> = { draft: 'neutral', live: 'good', suspended: 'warn', withdrawn: 'bad' };

export const complianceTones: Record<ComplianceState, Tone> = {
  not_applicable: 'neutral',
  origin_unknown: 'warn',
  none: 'neutral',
  planned: 'info',
  in_review: 'info',
  licensed: 'good',
  filed: 'good',
  ordinary: 'neutral',
  change_pending: 'warn',
  expired: 'bad',
  revoked: 'bad',
};
