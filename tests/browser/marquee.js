// The server under test: a demo cinema in a folder of its own, on ports of its own, gone when the tests end.
//
// MARQUEE_TEST_BIN   the binary, target/debug/marquee unless said otherwise
// MARQUEE_TEST_FILM  the film of the demo

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');
const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 10_000;

export async function startMarquee() {
  const binary = process.env.MARQUEE_TEST_BIN ?? join(ROOT, 'target/debug/marquee');
  const film = process.env.MARQUEE_TEST_FILM;
  if (!existsSync(binary)) throw new Error(`${binary} is not built: run ./dev test, or cargo build`);
  if (!film) throw new Error('MARQUEE_TEST_FILM names no film: run ./dev test');
  const folder = await mkdtemp(join(tmpdir(), 'marquee-browser-'));
  const args = ['demo', '--json', '--data', folder, '--port', '0', '--https-port', '0', '--film', film];
  const child = spawn(binary, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const talk = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    talk.push(line);
    if (talk.length > 200) talk.shift();
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await once(child, 'exit');
      clearTimeout(late);
    }
    await rm(folder, { recursive: true, force: true });
  };
  process.once('exit', () => child.kill('SIGKILL'));

  let timer;
  try {
    const line = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line').then(([text]) => text),
      once(child, 'exit').then(([code]) => {
        throw new Error(`marquee demo ended with ${code}:\n${talk.join('\n')}`);
      }),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`marquee demo is not up:\n${talk.join('\n')}`)), START_TIMEOUT_MS);
      }),
    ]);
    return new Marquee(JSON.parse(line), talk, stop);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export class Marquee {
  constructor(demo, talk, stop) {
    this.demo = demo;
    this.talk = talk;
    this.stop = stop;
  }

  get url() {
    return this.demo.base_url;
  }

  title(slug) {
    const title = this.demo.titles.find((candidate) => candidate.slug === slug);
    if (!title) throw new Error(`the demo has no title ${slug}`);
    return title;
  }

  viewer(role) {
    return this.demo.viewers.find((viewer) => viewer.role === role);
  }

  /** A call of the API; anything but a 2xx is an error with the whole problem in it. */
  async call(method, path, { token, body, headers = {} } = {}) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  operate(method, path, body) {
    return this.call(method, `/operator${path}`, { token: this.demo.operator_token, body });
  }

  /** A new viewer who is nobody's member. */
  async newViewer() {
    const viewer = { email: `viewer-${crypto.randomUUID()}@example.test`, password: 'a password of a test' };
    const { api_token } = await this.call('POST', '/viewers', { body: viewer });
    return { ...viewer, api_token };
  }

  async buy(viewer, slug) {
    return this.call('POST', '/purchases', {
      token: viewer.api_token,
      headers: { 'idempotency-key': crypto.randomUUID() },
      body: { offer_id: this.title(slug).offers[0].id, payment: { method: 'sandbox', outcome: 'paid' } },
    });
  }

  /** The grant that lets this viewer watch the title. */
  async grantOf(viewer, slug) {
    const { data } = await this.call('GET', '/grants', { token: viewer.api_token });
    const grant = data.find((candidate) => candidate.title_id === this.title(slug).id);
    if (!grant) throw new Error(`no grant for ${slug} in ${JSON.stringify(data)}`);
    return grant;
  }
}

export function formatMoney({ amount, currency }, locale = 'en') {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}
