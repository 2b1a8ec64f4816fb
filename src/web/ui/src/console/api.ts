// Calls of the API of operators, and of that of other parties. What belongs to one area is a file in `api/`.

import { call, exchange, list, page, troubleIn, type Answer, type CallOptions, type Method, type Page } from '../lib/http';

export type { Answer, Page } from '../lib/http';
export type { Localized, Money } from '../lib/api';

let signedOut = (): void => undefined;

/** What happens when the server no longer knows who is asking. */
export function whenSignedOut(act: () => void): void {
  signedOut = act;
}

/** The codes of a sign-in that is over. A partner's route, which a signed token opens too, says so in its own words. */
const SIGNED_OUT = new Set(['UNAUTHENTICATED', 'PARTNER_TOKEN_INVALID', 'PARTNER_TOKEN_EXPIRED']);

async function watched<Body>(asked: Promise<Body>): Promise<Body> {
  try {
    return await asked;
  } catch (error) {
    if (SIGNED_OUT.has(troubleIn(error).code)) signedOut();
    throw error;
  }
}

/** Calls below a path of `/api/v1`. */
const below = (base: string) => ({
  call: <Body>(method: Method, path: string, options?: CallOptions): Promise<Body> =>
    watched(call<Body>(method, `${base}${path}`, options)),
  /** With the ETag that a later change names in `if_match`. */
  exchange: <Body>(method: Method, path: string, options?: CallOptions): Promise<Answer<Body>> =>
    watched(exchange<Body>(method, `${base}${path}`, options)),
  page: <Row>(path: string, cursor: string | null, options?: CallOptions): Promise<Page<Row>> =>
    watched(page<Row>(`${base}${path}`, cursor, options)),
  list: <Row>(path: string, options?: CallOptions, rows_max?: number): Promise<Row[]> =>
    watched(list<Row>(`${base}${path}`, options, rows_max)),
});

export const operator = below('/operator');
/** What another party may ask about itself. */
export const partner = below('/partner');

/** `?a=1&b=2` of what has a value; '' when nothing has. */
export function queryOf(values: Record<string, string | number | boolean | null | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
