// Titles, their rights and their films, as the API gives them to operators.

import type { EpisodeTerms, Localized, Money } from '../../lib/api';
import { Failure, troubleOf, type CallOptions } from '../../lib/http';
import { operator, queryOf } from '../api';
import type { Explanation } from './explain';

export const titleStatuses = ['draft', 'live', 'suspended', 'withdrawn'] as const;
export type TitleStatus = (typeof titleStatuses)[number];

export const genres = [
  'action', 'adventure', 'animation', 'biography', 'comedy', 'crime', 'disaster', 'documentary', 'drama', 'family',
  'fantasy', 'history', 'horror', 'martial_arts', 'music', 'musical', 'mystery', 'opera', 'romance', 'science_fiction',
  'sport', 'thriller', 'war', 'western', 'online_film', 'web_series', 'micro_drama', 'short_video', 'variety', 'theatrical', 'interactive',
] as const;
export type Genre = (typeof genres)[number];

export const creditRoles = ['director', 'writer', 'actor', 'producer'] as const;
export type CreditRole = (typeof creditRoles)[number];

export interface Credit {
  name: Localized;
  role: CreditRole;
  character: Localized | null;
}

export type CommerceState = 'for_sale' | 'member' | 'free' | 'opens_later' | 'not_available' | 'acquired';

/** How a film is sealed where it is not free. */
export const protections = ['aes128', 'cbcs'] as const;
export type Protection = (typeof protections)[number];

export const licenceKinds = ['online_release', 'online_filing', 'theatrical_release'] as const;
export type LicenceKind = (typeof licenceKinds)[number];

export interface Licence {
  kind: LicenceKind;
  number: string;
}

export const complianceStates = [
  'none', 'planned', 'in_review', 'licensed', 'filed', 'ordinary', 'change_pending', 'expired', 'revoked', 'origin_unknown', 'not_applicable',
] as const;
export type ComplianceState = (typeof complianceStates)[number];

/** Where a title that was made in China stands there. */
export interface Compliance {
  state: ComplianceState;
  clears_paid: boolean;
  clears_free: boolean;
  planning_number: string | null;
  planned_at?: string | null;
  submitted_at: string | null;
  confirmation: { by: string; at: string; name: string; assets: string[]; runtime_ms: number } | null;
  expires_at: string | null;
  revocations: { number: string; at: string; reason: string }[];
  /** What cost and province make of it; null where they are not known. */
  scale?: Scale | null;
  threshold?: { province: string; form: Threshold['form']; from: string; amount: Money } | null;
}

export type Scale = 'key' | 'ordinary' | 'other';

export interface Production {
  /** In CNY. */
  cost: Money;
  /** By its code of ISO 3166-2:CN. */
  province: string;
}

/** From which cost on a title of a form is a key one, and an ordinary one. */
export interface Threshold {
  form: 'film' | 'series' | 'micro_drama' | 'animation';
  /** `*` is everywhere. */
  province: string;
  /** A day in China. */
  from: string;
  key_from: Money;
  ordinary_from: Money | null;
}

export type ComplianceEvent =
  /** Filed at `at`, or now. */
  | { event: 'plan'; number: string; at?: string }
  | { event: 'submit' }
  | { event: 'confirm'; expires_at: string | null }
  | { event: 'declare_ordinary' }
  | { event: 'revoke'; reason: string };

export type CardStatus = 'queued' | 'making' | 'ready' | 'failed';

export interface TitleLicence extends Licence {
  /** Where the film opens with its card. */
  card_territories: string[];
  cards: {
    part: number;
    film_id: string;
    is_clean_edit: boolean;
    status: CardStatus;
    asset_id: string | null;
    duration_ms: number | null;
    error: { code: string; message: string } | null;
  }[];
}

export interface Title {
  id: string;
  name: Localized;
  tagline?: Localized;
  synopsis?: Localized;
  cast?: Credit[];
  genres?: Genre[];
  year?: number | null;
  country?: string | null;
  content_rating?: string | null;
  min_age?: number | null;
  assets: string[];
  trailer_asset_id?: string | null;
  clips?: FilmClip[];
  preview_seconds?: number | null;
  merchandise?: Article[];
  production?: Production | null;
  placements?: Placement[];
  clean_edits?: CleanEdit[];
  season?: { series_id: string; number: number } | null;
  /** Parties whose film it is. */
  producers?: string[];
  part_names?: Localized[];
  /** By part, from when anybody may watch it at all; may be shorter than `assets`. */
  part_opens_at?: (string | null)[];
  /** Before this instant nobody is told of it. */
  announced_at?: string | null;
  episodes?: EpisodeTerms | null;
  poster_portrait?: boolean;
  poster_landscape?: boolean;
  poster_url?: string | null;
  rank?: number;
  protection: Protection;
  licence: Licence | null;
  /** Where it stands in China, now. */
  licence_state: ComplianceState;
  status: TitleStatus;
  runtime_ms: number;
  created_at: string;
  version: number;
}

/** An instant of a film. */
export interface Cue {
  /** Counted from 1. */
  part: number;
  at_ms: number;
}

/** What somebody else's shop sells of a title. */
export interface Article {
  sku: string;
  name: Localized;
  price: Money | null;
  url: string;
  cues: Cue[];
}

export const placementCategories = ['alcohol', 'tobacco', 'gambling', 'medicine', 'finance', 'food', 'infant_food', 'other'] as const;

/** What of a brand is seen in a part, from when to when. */
export interface Placement {
  part: number;
  brand: string;
  category: (typeof placementCategories)[number];
  contract: string | null;
  in_seconds: number;
  out_seconds: number;
  exposure_seconds: number;
}

/** Another cut of a part: played in its territories, and where one of its categories is blocked. */
export interface CleanEdit {
  part: number;
  asset_id: string;
  territories: Territories | null;
  categories: Placement['category'][];
}

/** A short film about the film, besides its trailer. */
export interface FilmClip {
  name: Localized;
  asset_id: string;
  /** As the asset has it. */
  runtime_ms?: number | null;
}

/** What came by the links of one campaign. */
export interface CampaignRow {
  campaign: string;
  /** Of clips and the preview too; of the last 90 days, as `plays` are. */
  trailer_plays: number;
  plays: number;
  orders: number;
  refunds: number;
  gross: Money[];
}

/** How many went on to the shop on one day. */
export interface Clicks {
  day: string;
  sku: string;
  campaign: string | null;
  clicks: number;
}

export interface WindowSummary {
  license_type: LicenseType;
  start_at: string;
  end_at: string | null;
  zone: string;
}

export interface TitleRow extends Title {
  commerce_state: CommerceState;
  next_window: WindowSummary | null;
  has_asset: boolean;
  avail_count: number;
  offers_count: number;
  poster_url: string | null;
}

export type TitleEdit = Partial<Omit<Title, 'id' | 'runtime_ms' | 'created_at' | 'version' | 'poster_portrait' | 'poster_landscape' | 'poster_url' | 'licence' | 'licence_state'>>;

/** What became of an Avails document, or would. */
export interface ImportedAvails {
  changes: { title_id: string; new_avails: Avail[]; moved_avails: Avail[]; removed_avails: string[]; removed_offers: string[]; warnings: Conflict[] }[];
  unchanged: number;
  /** What the document says and is not kept. */
  notes: { path: string; says: string }[];
}

export const licenseTypes = ['vod', 'est', 'svod', 'avod'] as const;
export type LicenseType = (typeof licenseTypes)[number];

/** Whether a title is sold in such a window by itself, through offers. */
export const isSold = (type: LicenseType): boolean => type === 'vod' || type === 'est';

export const offerKinds = ['pvod', 'rental', 'buy'] as const;
export type OfferKind = (typeof offerKinds)[number];

/** An empty `include` is the whole world. */
export interface Territories {
  include: string[];
  exclude: string[];
}

/** BCP 47 tags, `*` or `und`, with `:dub` or `:sub` where they are for one of both. */
export type Languages = { allow: string[] } | { hold_back: string[] };

export const formatProfiles = ['sd', 'hd', 'uhd'] as const;
export type FormatProfile = (typeof formatProfiles)[number];

export interface AvailEntry {
  license_type: LicenseType;
  description: string | null;
  territories: Territories;
  start_at: string;
  end_at: string | null;
  zone: string;
  hard_end_at: string | null;
  /** `null` is all that the film has. */
  languages: Languages | null;
  format_profile: FormatProfile;
}

export interface Avail extends AvailEntry {
  id: string;
  title_id: string;
}

/** What is not named stays. */
export type AvailEdit = Partial<Pick<AvailEntry, 'start_at' | 'end_at' | 'hard_end_at' | 'languages' | 'format_profile'>>;

/** Windows that are made and moved in one step. */
export interface PlanChange {
  new_avails?: AvailEntry[];
  moved_avails?: (AvailEdit & { id: string })[];
}

/** An instant and a place that are asked about. */
interface Where {
  at: string;
  territory: string;
}

export interface Conflict {
  avail_id: string;
  license_type: LicenseType;
  territories: Territories;
  from: string;
  to: string | null;
  days: number | null;
  code: string;
  says: string;
  holdback_id: string | null;
  /** To whom it was promised that this opens later. */
  party: string | null;
  /** Of `EXCLUSIVE`: by which deal another party has it alone, and which. */
  deal_id: string | null;
  party_id: string | null;
}

export type HoldbackEvent =
  | { kind: 'cinema_opening'; opens_at: string; zone: string }
  | { kind: 'deal_opening'; deal_id: string }
  | { kind: 'window_opening'; license_type: LicenseType; territory: string };

export interface HoldbackEntry {
  party: string;
  contract: string | null;
  event: HoldbackEvent;
  lag_days: number;
  territories: Territories;
  license_types: LicenseType[];
}

export interface Holdback extends HoldbackEntry {
  id: string;
  title_id: string;
  /** When what it counts from happens. */
  event_at: string | null;
  lifts_at: string | null;
}

export interface AvailCheck {
  conflicts: Conflict[];
  warnings: Conflict[];
}

export type Clock =
  | { on_purchase: { watch_s: number } }
  | { until_members: { watch_s: number } }
  | { on_first_play: { start_within_s: number; watch_s: number } }
  /** Bought for good. */
  | { forever: Record<string, never> };

export interface OfferEntry {
  kind: OfferKind;
  list_price: Money;
  member_price: Money | null;
  clock: Clock;
  streams: number;
  presale_from_at: string | null;
  /** How long before the end of its window it is sold no more. */
  sales_cutoff_s: number;
}

export interface Offer extends OfferEntry {
  id: string;
  title_id: string;
  avail_id: string;
  withdrawn_at: string | null;
}

export interface SourceTrack {
  kind: string;
  codec: string;
  width?: number | null;
  height?: number | null;
  frame_rate?: number | null;
  channels?: number | null;
  language?: string | null;
  bitrate_bps?: number | null;
}

export interface Source {
  name?: string | null;
  container?: string | null;
  duration_ms?: number | null;
  size_bytes?: number | null;
  tracks?: SourceTrack[];
}

export interface Rendition {
  track: string;
  kind: string;
  codec: string;
  width?: number | null;
  height?: number | null;
  bitrate_bps?: number | null;
  frame_rate?: number | null;
  channels?: number | null;
  language?: string | null;
  copied?: boolean;
  size_bytes?: number | null;
}

export interface Asset {
  id: string;
  source_name: string;
  /** `partial` while its job is at work. */
  status: 'complete' | 'partial';
  duration_ms: number;
  created_at: string;
  source?: Source | null;
  excerpt_of?: string | null;
  /** The film that this is the release card of. */
  card_of?: string | null;
  renditions?: Rendition[] | null;
  segments?: { count: number; target_duration_s: number } | null;
  titles?: string[];
}

/** What is wrong with an asset, by which clause. */
export interface Conformance {
  asset_id: string;
  conforms: boolean;
  errors: number;
  warnings: number;
  findings: Finding[];
  further_findings: number;
}

export interface Finding {
  id: string;
  severity: 'error' | 'warning';
  clause: string;
  rule: string;
  place: string;
  message: string;
}

export interface Job {
  id: string;
  /** Null of a release card. */
  upload_id: string | null;
  card_of?: string | null;
  source_name: string;
  /** The files that were uploaded beside the film. */
  beside: Sidecar[];
  status: 'queued' | 'running' | 'done' | 'failed';
  /** 0 to 1. */
  progress: number;
  stage?: string | null;
  speed?: number | null;
  eta_s?: number | null;
  source?: Source | null;
  asset_id: string | null;
  /** What of it can be played while it runs. */
  playable?: Playable | null;
  error: { code: string; message: string } | null;
  created_at: string;
  finished_at: string | null;
}

export type SidecarKind = 'audio' | 'subtitles';

export interface Sidecar {
  upload_id: string;
  file_name: string;
  kind: SidecarKind;
  language: string;
}

export interface Playable {
  segments: number;
  playable_ms: number;
  film_ms: number;
  /** What is there, and what there will be. */
  tracks: string[];
  planned: string[];
}

export interface OpenUpload {
  id: string;
  kind: 'film' | SidecarKind;
  /** Of sound and subtitles. */
  language: string | null;
  /** Of a film: the uploads of the files beside it. */
  beside: string[];
  file_name: string;
  length: number;
  received: number;
  created_at: string;
  expires_at?: string;
}

export interface SalesPoint {
  start_at: string;
  gross: number;
  orders: number;
}

export interface TitleSales {
  currency?: string;
  by_hour: SalesPoint[];
  by_day: SalesPoint[];
  by_territory: { territory: string | null; gross: number; orders: number }[];
  by_price: { kind: 'list' | 'member'; gross: number; orders: number }[];
  funnel: { checkouts: number; paid: number; first_plays: number; half_watched: number; completed: number };
  retention: { permille: number; viewers: number }[];
  refunds: unknown;
}

const segment = encodeURIComponent;
const at = (id: string) => `/titles/${segment(id)}`;

export const catalogue = {
  titles(filter: { query?: string; status?: string; licence_state?: string }, signal?: AbortSignal): Promise<TitleRow[]> {
    const query = new URLSearchParams({ limit: '200' });
    if (filter.query) query.set('query', filter.query);
    if (filter.status) query.set('status', filter.status);
    if (filter.licence_state) query.set('licence_state', filter.licence_state);
    return operator.list(`/titles?${query}`, options(signal));
  },
  async title(id: string): Promise<Title> {
    return operator.call('GET', at(id));
  },
  createTitle(name: Localized, country: string | null, key: string): Promise<Title> {
    return operator.call('POST', '/titles', { body: { name, country }, key });
  },
  clicks(title_id: string): Promise<Clicks[]> {
    return operator.call('GET', `/titles/${segment(title_id)}/merchandise-clicks`);
  },
  campaigns(title_id: string): Promise<CampaignRow[]> {
    return operator.list(`${at(title_id)}/campaigns`);
  },
  /** Only the version that was seen is changed: a colleague's edit in between is a `VERSION_CONFLICT`. */
  async editTitle(title: Pick<Title, 'id' | 'version'>, edit: TitleEdit): Promise<Title> {
    const { body } = await operator.exchange<Title>('PATCH', at(title.id), { body: edit, if_match: `"${title.version}"` });
    return body;
  },
  async sendPoster(id: string, shape: 'portrait' | 'landscape', picture: File): Promise<void> {
    // The one body of the console that is not JSON.
    const response = await fetch(`/api/v1${at(id).replace('/titles', '/operator/titles')}/poster?shape=${shape}`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': picture.type },
      body: picture,
    }).catch(() => {
      throw new Failure({ code: 'NETWORK' });
    });
    if (response.ok) return;
    throw new Failure(troubleOf(response.status, await response.text(), response.headers.get('x-request-id')));
  },
  licence(title_id: string): Promise<TitleLicence> {
    return operator.call('GET', `${at(title_id)}/licence`);
  },
  setLicence(title_id: string, body: Licence): Promise<TitleLicence> {
    return operator.call('PUT', `${at(title_id)}/licence`, { body });
  },
  removeLicence(title_id: string): Promise<void> {
    return operator.call('DELETE', `${at(title_id)}/licence`);
  },
  compliance(title_id: string): Promise<Compliance> {
    return operator.call('GET', `${at(title_id)}/compliance`);
  },
  async thresholds(): Promise<Threshold[]> {
    return operator.list('/licence-thresholds');
  },
  recordCompliance(title_id: string, body: ComplianceEvent): Promise<Compliance> {
    return operator.call('POST', `${at(title_id)}/compliance`, { body });
  },
  avails(title_id: string): Promise<Avail[]> {
    return operator.list(`${at(title_id)}/avails`);
  },
  createAvail(title_id: string, body: AvailEntry, key: string): Promise<Avail> {
    return operator.call('POST', `${at(title_id)}/avails`, { body, key });
  },
  checkAvail(title_id: string, body: AvailEntry & { replaces?: string }, signal: AbortSignal): Promise<AvailCheck> {
    return operator.call('POST', `${at(title_id)}/avails/check`, { body, signal });
  },
  editAvail(id: string, body: AvailEdit): Promise<Avail> {
    return operator.call('PATCH', `/avails/${segment(id)}`, { body });
  },
  deleteAvail(id: string): Promise<void> {
    return operator.call('DELETE', `/avails/${segment(id)}`);
  },
  /** Where the windows of a title are as an Avails document. */
  availsDocument: (title_id: string): string => `/api/v1/operator${at(title_id)}/avails.xml`,
  importAvails(title_id: string, document: string, dry_run: boolean): Promise<ImportedAvails> {
    const query = new URLSearchParams({ title_id, dry_run: String(dry_run) });
    return operator.call('POST', `/avails/import?${query}`, { document: { type: 'application/xml', text: document } });
  },
  holdbacks(title_id: string): Promise<Holdback[]> {
    return operator.list(`${at(title_id)}/holdbacks`);
  },
  createHoldback(title_id: string, body: HoldbackEntry, key: string): Promise<Holdback> {
    return operator.call('POST', `${at(title_id)}/holdbacks`, { body, key });
  },
  deleteHoldback(id: string): Promise<void> {
    return operator.call('DELETE', `/holdbacks/${segment(id)}`);
  },
  offers(avail_id: string): Promise<Offer[]> {
    return operator.list(`/avails/${segment(avail_id)}/offers`);
  },
  createOffer(avail_id: string, body: OfferEntry, key: string): Promise<Offer> {
    return operator.call('POST', `/avails/${segment(avail_id)}/offers`, { body, key });
  },
  withdrawOffer(id: string): Promise<Offer> {
    return operator.call('POST', `/offers/${segment(id)}/withdraw`);
  },
  assets(): Promise<Asset[]> {
    return operator.list('/assets?limit=200');
  },
  asset(id: string): Promise<Asset> {
    return operator.call('GET', `/assets/${segment(id)}`);
  },
  conformance(asset_id: string, signal: AbortSignal): Promise<Conformance> {
    return operator.call('GET', `/assets/${segment(asset_id)}/conformance`, { signal });
  },
  excerpt(asset_id: string, length_ms: number): Promise<Asset> {
    return operator.call('POST', `/assets/${segment(asset_id)}/excerpt`, { body: { length_ms } });
  },
  jobs(): Promise<Job[]> {
    return operator.list('/jobs?limit=100', {}, 100);
  },
  job(id: string, signal?: AbortSignal): Promise<Job> {
    return operator.call('GET', `/jobs/${segment(id)}`, options(signal));
  },
  uploads(): Promise<OpenUpload[]> {
    return operator.list('/uploads');
  },
  deleteUpload(id: string): Promise<void> {
    return operator.call('DELETE', `/uploads/${segment(id)}`, { headers: { 'tus-resumable': '1.0.0' } });
  },
  explain(query: Where & { title_id: string }, signal?: AbortSignal): Promise<Explanation> {
    return operator.call('GET', `/explain${queryOf({ ...query })}`, options(signal));
  },
  /** What `explain` would answer if the plan were changed so; nothing is written. */
  explainPlan(title_id: string, body: Where & { plan: PlanChange }, signal: AbortSignal): Promise<Explanation> {
    return operator.call('POST', `${at(title_id)}/plan/explain`, { body, signal });
  },
  sales(id: string, query: { from: string; to: string; zone: string }): Promise<TitleSales> {
    return operator.call('GET', `${at(id)}/sales?${new URLSearchParams(query)}`);
  },
};

function options(signal: AbortSignal | undefined): CallOptions {
  return signal ? { signal } : {};
}
