// How a title stands in a territory at an instant, by the rules of the entitlement (`rights/reach.rs`): what is open there,
// what is held back or was left to another party, and what is missing. It is asked for every tile of the map, so it is
// worked out here; the time machine asks the server about one of them.

import { isSold, licenseTypes, type Asset, type Avail, type Compliance, type Holdback, type LicenseType, type Offer } from '../api/catalogue';
import type { Deal } from '../api/partners';
import { allHeard, heardTogether, type Sound } from '../entry/languages';
import { contains } from '../entry/territory';
import { salesEnd } from './offer';

/** The most open first. */
export const standings = ['free', 'members', 'for_sale', 'presale', 'no_price', 'later', 'held', 'given', 'licence', 'over', 'none'] as const;
export type Standing = (typeof standings)[number];

/** What is planned of a title. */
export interface Plan {
  avails: readonly Avail[];
  /** By avail, withdrawn ones too. */
  offers: ReadonlyMap<string, readonly Offer[]>;
  deals: readonly Deal[];
  holdbacks: readonly Holdback[];
  compliance: Compliance | null;
  /** It is unlocked episode by episode, and needs no offer. */
  by_episode: boolean;
  /** What its parts speak, as far as it is known. */
  sounds: readonly Sound[];
}

export type Phase = 'ahead' | 'open' | 'over';

export interface Place {
  standing: Standing;
  /** It can be bought although members have it, or everybody. */
  also_for_sale: boolean;
  /** When the next window opens, as it is planned and held back; `null` where none will. */
  opens_at: number | null;
  windows: { avail: Avail; phase: Phase }[];
  /** What holds at this instant. */
  deals: Deal[];
  holdbacks: Holdback[];
}

const CHINA = 'CN';
const ms = (at: string | null | undefined) => (at == null ? null : Date.parse(at));

export function phaseOf({ start_at, end_at }: { start_at: string; end_at: string | null }, at: number): Phase {
  if (at < Date.parse(start_at)) return 'ahead';
  return end_at !== null && at >= Date.parse(end_at) ? 'over' : 'open';
}

const ended = (avail: Avail, at: number) => avail.hard_end_at !== null && at >= Date.parse(avail.hard_end_at);

/** What a licence lets be offered in China; elsewhere nothing asks for one. */
export function clears(compliance: Compliance | null, territory: string, at: number): { paid: boolean; free: boolean; revoked: boolean } {
  if (territory !== CHINA || compliance === null) return { paid: true, free: true, revoked: false };
  const { state, clears_paid, clears_free, expires_at } = compliance;
  const expired = expires_at !== null && at >= Date.parse(expires_at) && (state === 'licensed' || state === 'filed');
  return { paid: clears_paid && !expired, free: clears_free && !expired, revoked: state === 'revoked' };
}

/** Whether this deal leaves such windows to nobody but its own group, and we are not of it. */
export function keepsUsOut({ exclusivity, carriage, languages, revoked_at }: Deal, avail: Pick<Avail, 'license_type' | 'languages'>): boolean {
  if (exclusivity === null || exclusivity.with_us || revoked_at != null || !heardTogether(languages, avail.languages)) return false;
  const kind = avail.license_type;
  const media = exclusivity.media ?? [];
  if (media.length > 0) return media.includes(kind);
  return carriage.kind === 'platform' && carriage.license_type === kind;
}

const means = ({ license_types }: Holdback, kind: LicenseType) => license_types.length === 0 || license_types.includes(kind);

const isEarly = ({ clock }: Offer) => 'until_members' in clock;

/** Whether it matters what the films speak: where early access is sold and members get some languages. */
export function asksWhatIsSpoken(avails: readonly Avail[], offers: ReadonlyMap<string, readonly Offer[]>): boolean {
  return avails.some(({ license_type, languages }) => license_type === 'svod' && languages !== null) && [...offers.values()].flat().some(isEarly);
}

/** What a film speaks, where that was noted when it was packaged. */
export function soundOf(film: Pick<Asset, 'renditions'> | null): Sound[] {
  const renditions = film?.renditions;
  return renditions ? [renditions.filter(({ kind }) => kind === 'audio').map(({ language }) => language ?? null)] : [];
}

export function placeOf(plan: Plan, territory: string, at: number): Place {
  const covered = plan.avails.filter((avail) => contains(avail.territories, territory));
  const deals = plan.deals.filter((deal) => deal.revoked_at == null && contains(deal.territories, territory) && phaseOf(deal, at) === 'open');
  const holdbacks = plan.holdbacks.filter((holdback) => contains(holdback.territories, territory) && (ms(holdback.lifts_at) ?? Infinity) > at);
  const windows = covered.map((avail) => ({ avail, phase: ended(avail, at) ? ('over' as const) : phaseOf(avail, at) }));
  const cleared = clears(plan.compliance, territory, at);
  const offered = windows.filter(({ avail }) => (avail.license_type === 'avod' ? cleared.free : cleared.paid));

  const kept = (avail: Avail) => deals.filter((deal) => keepsUsOut(deal, avail));
  const held = (kind: LicenseType) => holdbacks.filter((holdback) => means(holdback, kind));
  const stopped = (avail: Avail) => kept(avail).length > 0 || held(avail.license_type).length > 0;
  const open = (kind: LicenseType) => offered.filter(({ avail, phase }) => avail.license_type === kind && phase === 'open' && !stopped(avail));

  /** Whether members have all that is heard under a window, or had it in one that opened after it: early access is over then. */
  const members_had = (bought: Avail) => {
    const since = Date.parse(bought.start_at);
    const had = covered.filter((avail) => avail.license_type === 'svod' && Date.parse(avail.start_at) > since && phaseOf(avail, at) === 'over');
    const members = [...open('svod').map(({ avail }) => avail), ...had].map(({ languages }) => languages);
    return members.length > 0 && allHeard(members, bought.languages, plan.sounds);
  };
  const sells = (avail: Avail, phase: Phase) =>
    (plan.offers.get(avail.id) ?? []).some((offer) => {
      if ((ms(offer.withdrawn_at) ?? Infinity) <= at || phase === 'over') return false;
      if (isEarly(offer) && members_had(avail)) return false;
      if (at >= (salesEnd(avail, offer.sales_cutoff_s) ?? Infinity)) return false;
      return phase === 'open' ? !stopped(avail) : (ms(offer.presale_from_at) ?? Infinity) <= at;
    });
  const sold = offered.filter(({ avail }) => isSold(avail.license_type)).filter(({ avail, phase }) => sells(avail, phase));
  const for_sale = sold.some(({ phase }) => phase === 'open') || (plan.by_episode && open('vod').length > 0);

  const openings = offered
    .filter(({ phase }) => phase !== 'over')
    .map(({ avail }) => {
      const lifts = [
        ...held(avail.license_type).map((holdback) => ms(holdback.lifts_at) ?? Infinity),
        ...kept(avail).map((deal) => ms(deal.end_at) ?? Infinity),
      ];
      return Math.max(Date.parse(avail.start_at), ...lifts);
    })
    .filter((opens) => opens > at && opens !== Infinity);
  const waiting = offered.filter(({ phase }) => phase !== 'over').map(({ avail }) => avail);
  const given = () => licenseTypes.some((license_type) => deals.some((deal) => keepsUsOut(deal, { license_type, languages: null })));

  const standing = ((): Standing => {
    if (covered.length === 0) return given() ? 'given' : 'none';
    if (cleared.revoked || offered.length === 0) return 'licence';
    if (open('avod').length > 0) return 'free';
    if (open('svod').length > 0) return 'members';
    if (for_sale) return 'for_sale';
    if (sold.length > 0) return 'presale';
    if (open('vod').length + open('est').length > 0) return 'no_price';
    if (waiting.some((avail) => kept(avail).length > 0)) return 'given';
    if (waiting.some((avail) => held(avail.license_type).length > 0)) return 'held';
    if (waiting.length > 0) return 'later';
    return given() ? 'given' : 'over';
  })();
  return {
    standing,
    also_for_sale: for_sale && (standing === 'members' || standing === 'free'),
    opens_at: openings.length === 0 ? null : Math.min(...openings),
    windows: windows.sort((a, b) => a.avail.start_at.localeCompare(b.avail.start_at)),
    deals,
    holdbacks,
  };
}

/** Every instant at which a territory may come to stand otherwise, in order. */
export function changesOf({ avails, offers, deals, holdbacks, compliance }: Plan): number[] {
  const all = [
    ...avails.flatMap((avail) => [avail.start_at, avail.end_at, avail.hard_end_at]),
    ...[...offers.values()].flat().flatMap((offer) => [offer.presale_from_at, offer.withdrawn_at]),
    ...avails.flatMap((avail) => (offers.get(avail.id) ?? []).map(({ sales_cutoff_s }) => salesEnd(avail, sales_cutoff_s))),
    ...deals.filter((deal) => deal.revoked_at == null).flatMap((deal) => [deal.start_at, deal.end_at]),
    ...holdbacks.map((holdback) => holdback.lifts_at),
    compliance?.expires_at ?? null,
  ];
  return [...new Set(all.flatMap((at) => (at === null ? [] : [typeof at === 'number' ? at : Date.parse(at)])))].sort((a, b) => a - b);
}
