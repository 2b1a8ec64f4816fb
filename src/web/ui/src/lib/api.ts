// The viewer's part of the API, as the page uses it. The cookie of sign-in is HttpOnly: no token is ever seen here.

export interface Money {
  amount: number;
  currency: string;
}

export type Localized = Partial<Record<string, string>>;

export interface Viewer {
  id: string;
  email: string;
  display_name: string | null;
  member: boolean;
  membership_ends_at: string | null;
}

export interface Me {
  viewer: Viewer | null;
  territory: string | null;
  livemode: boolean;
}

export type NextStep =
  | { action: 'buy'; offer_id: string; price: Money }
  | { action: 'join' }
  | { action: 'wait'; opens_at: string };

export type Decision =
  | { allow: true; via: 'grant' | 'membership' | 'free'; ends_at?: string | null; starts_clock: boolean }
  | { allow: false; code: string; message: string; next?: NextStep[] };

export interface Offer {
  id: string;
  kind: 'pvod' | 'rental';
  price: Money;
  list_price: Money;
  member_price?: Money | null;
  watch_hours: number;
  start_within_days?: number | null;
  opens_at: string;
  closes_at: string | null;
  on_sale: boolean;
}

export interface Title {
  id: string;
  name: Localized;
  synopsis?: Localized;
  runtime_ms: number;
  poster_url: string | null;
  state: 'for_sale' | 'member' | 'free' | 'opens_later' | 'not_available' | 'acquired';
  decision: Decision;
  offers: Offer[];
}

export const outcomes = ['paid', 'declined', 'pending', 'callback_twice'] as const;
export type Outcome = (typeof outcomes)[number];

export interface Purchase {
  id: string;
  status: 'paid' | 'pending' | 'declined' | 'refunded' | 'expired';
  title_id: string;
  offer_id: string;
  price: Money;
  livemode: boolean;
}

export interface PlaybackSession {
  id: string;
  title_id: string;
  part: number;
  playback_url: string;
  events_url: string;
  expires_at: string;
  ends_at: string | null;
  starts_clock: boolean;
  via: string;
}

/** What is shown when something fails: an RFC 9457 problem, or a failure of our own with `NETWORK` or `MEDIA`. */
export interface Trouble {
  code: string;
  /** A code of the catalogue that says the same, where the catalogue does not know `code`. */
  means?: string | undefined;
  /** The server's own words, for a code that the catalogue does not know. */
  detail?: string | undefined;
  request_id?: string | undefined;
  next?: NextStep[] | undefined;
}

export class Failure extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.code);
  }
}

/** Reads problem+json leniently: it also comes from proxies, and from media requests. */
export function troubleOf(status: number, body: string, request_id?: string | null): Trouble {
  let problem: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) problem = value as Record<string, unknown>;
  } catch {
    // Not JSON: the status has to do.
  }
  const text = (name: string) => (typeof problem[name] === 'string' ? problem[name] : undefined);
  return {
    code: text('code') ?? codeOfStatus(status),
    means: codeOfStatus(status),
    detail: text('detail') ?? text('title'),
    request_id: text('request_id') ?? request_id ?? undefined,
    next: Array.isArray(problem.next) ? (problem.next as NextStep[]) : undefined,
  };
}

function codeOfStatus(status: number): string {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'RATE_LIMITED';
  return `HTTP_${status}`;
}

/** A key for `Idempotency-Key`; `crypto.randomUUID` exists only on secure origins. */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface Options {
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
}

async function call(method: string, path: string, { body, key, signal }: Options = {}): Promise<unknown> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key !== undefined) headers['idempotency-key'] = key;
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/api/v1${path}`, init);
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure({ code: 'NETWORK' });
  }
  if (!response.ok) throw new Failure(troubleOf(response.status, text, response.headers.get('x-request-id')));
  return text === '' ? undefined : JSON.parse(text);
}

const segment = encodeURIComponent;

export const api = {
  async me(): Promise<Me> {
    return (await call('GET', '/me')) as Me;
  },
  async signUp(entry: { email: string; password: string; display_name?: string }): Promise<Viewer> {
    return ((await call('POST', '/viewers', { body: entry })) as { viewer: Viewer }).viewer;
  },
  async signIn(entry: { email: string; password: string }): Promise<Viewer> {
    return ((await call('POST', '/sign-in', { body: entry })) as { viewer: Viewer }).viewer;
  },
  async signOut(): Promise<void> {
    await call('POST', '/sign-out');
  },
  async titles(): Promise<Title[]> {
    const titles: Title[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `?cursor=${segment(cursor)}`;
      const page = (await call('GET', `/titles${query}`)) as { data: Title[]; next_cursor: string | null };
      titles.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return titles;
  },
  async title(id: string): Promise<Title> {
    return (await call('GET', `/titles/${segment(id)}`)) as Title;
  },
  async buy(offer_id: string, outcome: Outcome, key: string): Promise<Purchase> {
    const body = { offer_id, payment: { method: 'sandbox', outcome } };
    return (await call('POST', '/purchases', { body, key })) as Purchase;
  },
  async purchase(id: string, signal: AbortSignal): Promise<Purchase> {
    return (await call('GET', `/purchases/${segment(id)}`, { signal })) as Purchase;
  },
  async openPlayback(title_id: string): Promise<PlaybackSession> {
    return (await call('POST', '/playback-sessions', { body: { title_id } })) as PlaybackSession;
  },
  /** Gives the stream slot back. Survives the page: it is called while the page goes away. */
  closePlayback(session_id: string): void {
    fetch(`/api/v1/playback-sessions/${segment(session_id)}`, { method: 'DELETE', keepalive: true }).catch(() => {
      // The slot comes back by itself when its lease runs out.
    });
  },
};
