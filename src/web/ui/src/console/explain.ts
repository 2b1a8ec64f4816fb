// A decision's trace: which step decided, what each says, and its facts as they are read.

import { count, instant } from '../lib/format';
import type { Locale, Shape } from '../lib/words/shape';
import type { Explanation, Step } from './api/explain';
import type { en } from './words/explain';

type Words = Shape<typeof en>;

/** The step that the answer came from: the one that failed with its code, or the one whose right is used. */
export function decidingStep({ allow, code, via, steps }: Explanation): Step | null {
  if (!allow) return steps.findLast((step) => step.outcome === 'fail' && step.code === code) ?? null;
  const passed = (check: string | null) => steps.find((step) => step.check === check && step.outcome === 'pass');
  if (via === 'partner') return passed('deal') ?? null;
  // An episode that was unlocked, or is free in a series that is not.
  return passed(via) ?? (via === 'unlock' || via === 'free' ? passed('episode') : undefined) ?? null;
}

/** A denial in words, or its code where it has none. */
export function codeText(code: string, words: Words): string {
  return (words as unknown as Record<string, string | undefined>)[`code_${code}`] ?? code;
}

/** What a step found, in words; the server's own sentence for what is not known here. */
export function sayStep(step: Step, words: Words, locale: Locale): string {
  const { check, outcome, code, facts } = step;
  if (outcome === 'skip') return words.says_skip;
  const holds = outcome === 'pass';
  switch (check) {
    case 'session':
      if (holds) return words.says_session;
      break;
    case 'title':
      if (holds) return words.says_title;
      break;
    case 'licence':
      if (code !== null) break;
      if (facts.state === 'not_applicable') return words.says_licence_not_asked;
      if (facts.state === 'origin_unknown') return words.says_licence_origin;
      if (!holds) return facts.state === 'ordinary' ? words.says_licence_ordinary : words.says_licence_missing;
      return facts.state === 'licensed' || facts.state === 'filed' ? words.says_licence : words.says_licence_kept;
    case 'deal':
      if (holds) return words.says_deal;
      break;
    case 'territory':
      if (!holds) return words.says_territory_none;
      return words.says_territory(count(Array.isArray(facts.avails) ? facts.avails.length : 1, locale));
    case 'episode': {
      if (facts.part === undefined) {
        if (holds) return words.says_episode_opened;
        break;
      }
      if (!holds) return words.says_episode_locked;
      const unlocked = Array.isArray(facts.unlocked) && facts.unlocked.includes(facts.part);
      return unlocked ? words.says_episode_unlocked : words.says_episode_free;
    }
    case 'grant':
      if (facts.wanted === undefined) {
        if (holds) return words.says_grant_holds;
        break;
      }
      if (holds) return facts.wanted === 'running' ? words.says_grant_running : words.says_grant_unstarted;
      if (Array.isArray(facts.grants) && facts.grants.length === 0) return words.says_grant_none;
      return facts.wanted === 'running' ? words.says_grant_not_running : words.says_grant_not_waiting;
    case 'membership':
      if (holds) return words.says_membership;
      if (code !== null) break;
      return facts.membership_id == null ? words.says_membership_none : words.says_membership_no_window;
    case 'home':
      return words.says_home;
    case 'free':
      return holds ? words.says_free : words.says_free_none;
    case 'window':
      if (holds) return words.says_window;
      break;
    case 'languages':
      if (!holds) return words.says_languages_none;
      return facts.caps == null ? words.says_languages_all : words.says_languages;
    case 'external':
      if (holds) return words.says_external;
      if (code !== null) break;
      return facts.avail_id == null ? words.says_external_none : words.says_external_no_window;
    case 'screener':
      if (holds) return words.says_screener;
      break;
    case 'edit':
      if (holds) return facts.clean_edit == null ? words.says_edit_film : words.says_edit;
      break;
    case 'devices': {
      const { registered, limit } = facts;
      if (limit == null) return words.says_devices_free;
      if (registered == null) return words.says_devices(count(Number(limit), locale));
      const of = [count(Number(registered), locale), count(Number(limit), locale)] as const;
      if (!holds) return words.says_devices_full(...of);
      return Number(registered) < Number(limit) ? words.says_devices_room(...of) : words.says_devices_open(...of);
    }
    case 'streams':
      if (!holds) break;
      return facts.streams === 0 ? words.says_streams_free : words.says_streams(count(Number(facts.streams ?? 1), locale));
  }
  return code === null ? step.says : words.sentence(codeText(code, words));
}

export interface Fact {
  name: string;
  text: string;
  /** The page of what is named. */
  href: string | null;
}

const PAGES: Record<string, string> = { title_id: 'titles', viewer_id: 'viewers', purchase_id: 'orders', session_id: 'sessions' };

/** One line for the step itself and one for each window or grant that it looked at. */
export function factsOf(step: Step, words: Words, locale: Locale, zone: string): Fact[][] {
  const plain: [string, unknown][] = [];
  const groups: Fact[][] = [];
  for (const [name, value] of Object.entries(step.facts)) {
    if (value === null || value === undefined || name === 'wanted') continue;
    if (name === 'caps') {
      const { languages, format_profile } = value as { languages?: Record<string, string[]> | null; format_profile?: string };
      plain.push(...Object.entries(languages ?? {}), ['format_profile', format_profile?.toUpperCase()]);
      continue;
    }
    const objects = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'object' && each !== null);
    if (objects.length > 0) groups.push(...objects.map((each) => factList(Object.entries(each as object), words, locale, zone)));
    else if (!Array.isArray(value) || value.length > 0) plain.push([name, value]);
  }
  return [factList(plain, words, locale, zone), ...groups].filter((facts) => facts.length > 0);
}

function factList(entries: [string, unknown][], words: Words, locale: Locale, zone: string): Fact[] {
  const names = words as unknown as Record<string, string | undefined>;
  return entries
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => {
      const page = PAGES[name];
      const href = page !== undefined && typeof value === 'string' ? `/console/${page}/${encodeURIComponent(value)}` : null;
      return { name: names[`fact_${name}`] ?? name, text: textOf(name, value, words, locale, zone), href };
    });
}

function textOf(name: string, value: unknown, words: Words, locale: Locale, zone: string): string {
  if (typeof value === 'string') return name.endsWith('_at') ? instant(value, locale, zone) : value;
  if (typeof value === 'number') return count(value, locale);
  if (typeof value === 'boolean') return value ? words.yes_word : words.no_word;
  return Array.isArray(value) ? value.map((each) => each ?? 'und').join(', ') : JSON.stringify(value);
}
