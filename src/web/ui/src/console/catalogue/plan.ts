// What is typed about a window, as a change of the title's plan.

import type { Avail, AvailEdit, AvailEntry, PlanChange } from '../api/catalogue';
import { same } from '../entry/languages';

/** What of a window was changed; a cap is named only where it was, for a window in use keeps what it has. */
export function editOf(before: Avail, entry: AvailEntry): AvailEdit {
  return {
    start_at: entry.start_at,
    end_at: entry.end_at,
    hard_end_at: entry.hard_end_at,
    ...(same(entry.languages, before.languages) ? {} : { languages: entry.languages }),
    ...(entry.format_profile === before.format_profile ? {} : { format_profile: entry.format_profile }),
  };
}

/** `null` where a window is left as it is. */
export function changeOf(before: Avail | null, entry: AvailEntry): PlanChange | null {
  if (before === null) return { new_avails: [entry] };
  const edit = editOf(before, entry);
  const is_changed = Object.entries(edit).some(([name, value]) => before[name as keyof AvailEdit] !== value);
  return is_changed ? { moved_avails: [{ id: before.id, ...edit }] } : null;
}
