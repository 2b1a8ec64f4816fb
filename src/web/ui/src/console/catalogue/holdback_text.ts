// A holdback in words.

import { instant } from '../../lib/format';
import type { Locale, Shape } from '../../lib/words/shape';
import type { Holdback } from '../api/catalogue';
import { territoryName } from '../entry/territory';
import { ownZone } from '../entry/zoned';
import type { en as holdbackWords } from '../words/holdbacks';
import type { en as windowWords } from '../words/windows';

/** What it counts from. */
export function eventText({ party, event, event_at }: Holdback, words: Shape<typeof holdbackWords>, kinds: Shape<typeof windowWords>, locale: Locale): string {
  if (event.kind === 'cinema_opening') return words.cinema_opening(party, instant(event.opens_at, locale, event.zone));
  if (event.kind === 'deal_opening') return words.deal_opening(party, event_at === null ? null : instant(event_at, locale, ownZone()));
  return words.window_opening(kinds[`license_${event.license_type}`], territoryName(event.territory, locale));
}

export const zoneOf = ({ event }: Holdback): string => (event.kind === 'cinema_opening' ? event.zone : ownZone());
