// Calls of the operator's API. What belongs to one area is a file in `api/`.

import { call, exchange, list, page, troubleIn, type Answer, type CallOptions, type Method, type Page } from '../lib/http';

export type { Answer, Page } from '../lib/http';
export type { Localized, Money } from '../lib/api';

let signedOut = (): void => undefined;

/** What happens when the server no longer knows who is asking. */
export function whenSignedOut(act: () => void): void {
  signedOut = act;
}

async function watched<Body>(asked: Promise<Body>): Promise<Body> {
  try {
    return await asked;
  } catch (error) {
    if (troubleIn(error).code === 'UNAUTHENTICATED') signedOut();
    throw error;
  }
}

/** `path` is below `/api/v1/operator`. */
export const operator = {
  call: <Body>(method: Method, path: string, options?: CallOptions): Promise<Body> =>
    watched(call<Body>(method, `/operator${path}`, options)),
  /** With the ETag that a later change names in `if_match`. */
  exchange: <Body>(method: Method, path: string, options?: CallOptions): Promise<Answer<Body>> =>
    watched(exchange<Body>(method, `/operator${path}`, options)),
  page: <Row>(path: string, cursor: string | null, options?: CallOptions): Promise<Page<Row>> =>
    watched(page<Row>(`/operator${path}`, cursor, options)),
  list: <Row>(path: string, options?: CallOptions, rows_max?: number): Promise<Row[]> =>
    watched(list<Row>(`/operator${path}`, options, rows_max)),
};

/** `?a=1&b=2` of what has a value; '' when nothing has. */
export function queryOf(values: Record<string, string | number | boolean | null | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
