// One call of the API and what can go wrong with it. The cookie of sign-in is HttpOnly: no token is ever seen here.

import { serverClock } from './server_clock';

/** What a refusal offers to do about it. */
export type NextStep =
  | { action: 'buy'; offer_id: string; price: { amount: number; currency: string } }
  /** An episode, for coins. */
  | { action: 'unlock'; part: number; coins: number }
  /** An episode, for advertising watched to its end; how many more today. */
  | { action: 'reward'; part: number; left: number }
  | { action: 'join' }
  | { action: 'wait'; opens_at: string };

/** What is shown when something fails: an RFC 9457 problem, or a failure of our own with `NETWORK` or `MEDIA`. */
export interface Trouble {
  code: string;
  /** A code of the catalogue that says the same, where the catalogue does not know `code`. */
  means?: string | undefined;
  /** The server's own words, for a code that the catalogue does not know. */
  detail?: string | undefined;
  request_id?: string | undefined;
  next?: NextStep[] | undefined;
  /** Of `PRICE_CHANGED`, what an episode costs now; of `TOO_FEW_COINS`, what the viewer has. */
  coins?: number | undefined;
  /** Of `PIN_WRONG`. */
  tries_left?: number | undefined;
  /** Of `PIN_LOCKED`. */
  locked_until?: string | undefined;
  /** The field, header or parameter at fault. */
  param?: string | undefined;
  /** What stands against it, as the API says it. */
  conflicts?: unknown[] | undefined;
}

export class Failure extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.code);
  }
}

/** The trouble of anything that was thrown. */
export function troubleIn(error: unknown): Trouble {
  return error instanceof Failure ? error.trouble : { code: 'UNKNOWN' };
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
    coins: typeof problem.coins === 'number' ? problem.coins : undefined,
    tries_left: typeof problem.tries_left === 'number' ? problem.tries_left : undefined,
    locked_until: text('locked_until'),
    param: text('param'),
    conflicts: Array.isArray(problem.conflicts) ? problem.conflicts : undefined,
  };
}

function codeOfStatus(status: number): string {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'RATE_LIMITED';
  return `HTTP_${status}`;
}

/** Whether the server has refused for good. What it met an error in, or what came back cut off, may have been done. */
export function isRefusal({ means }: Trouble): boolean {
  return means !== undefined && !means.startsWith('HTTP_5');
}

/** A key for `Idempotency-Key`; `crypto.randomUUID` exists only on secure origins. */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface CallOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  document?: { type: string; text: string };
  /** `Idempotency-Key`. */
  key?: string;
  /** The ETag that a change is based on. */
  if_match?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Outlives the page; for bodies below 64 KiB. */
  keepalive?: boolean;
}

export interface Answer<Body> {
  body: Body;
  /** What a later change names in `if_match`. */
  etag: string | null;
}

/** `path` is below `/api/v1`. Throws [`Failure`]; an abort of the caller's own is thrown as it came. */
export async function exchange<Body>(method: Method, path: string, options: CallOptions = {}): Promise<Answer<Body>> {
  const { body, document, key, if_match, signal, keepalive = false } = options;
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (document) headers['content-type'] = document.type;
  if (key !== undefined) headers['idempotency-key'] = key;
  if (if_match !== undefined) headers['if-match'] = if_match;
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store', keepalive };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (document) init.body = document.text;
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
  serverClock.hear(response.headers.get('date'));
  if (!response.ok) throw new Failure(troubleOf(response.status, text, response.headers.get('x-request-id')));
  return { body: (text === '' ? undefined : JSON.parse(text)) as Body, etag: response.headers.get('etag') };
}

export async function call<Body>(method: Method, path: string, options: CallOptions = {}): Promise<Body> {
  return (await exchange<Body>(method, path, options)).body;
}

export interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}

export function page<Row>(path: string, cursor: string | null, options: CallOptions = {}): Promise<Page<Row>> {
  if (cursor === null) return call('GET', path, options);
  return call('GET', `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`, options);
}

/** Every row of a list, page after page, `rows_max` at most. */
export async function list<Row>(path: string, options: CallOptions = {}, rows_max = 100_000): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const next: Page<Row> = await page<Row>(path, cursor, options);
    rows.push(...next.data);
    cursor = next.next_cursor;
  } while (cursor !== null && rows.length < rows_max);
  return rows;
}
