// The server under test: a demo cinema in a folder of its own, on ports of its own, gone when the tests end.
//
// MARQUEE_TEST_BIN   the binary, target/debug/marquee unless said otherwise
// MARQUEE_TEST_FILM  the film of the demo

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 10_000;

export async function startMarquee() {
  const binary = process.env.MARQUEE_TEST_BIN ?? join(ROOT, 'target/debug/marquee');
  const film = process.env.MARQUEE_TEST_FILM;
  if (!existsSync(binary)) throw new Error(`${binary} is not built: run ./dev test, or cargo build`);
  if (!film) throw new Error('MARQUEE_TEST_FILM names no film: run ./dev test');
  const folder = await mkdtemp(join(tmpdir(), 'marquee-browser-'));
  const worded = await withWords(film, folder);
  const args = ['demo', '--json', '--data', join(folder, 'data'), '--port', '0', '--https-port', '0', '--film', worded];
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
    const demo = await Promise.race([
      ready(createInterface({ input: child.stdout })),
      once(child, 'exit').then(([code]) => {
        throw new Error(`marquee demo ended with ${code}:\n${talk.join('\n')}`);
      }),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`marquee demo is not up:\n${talk.join('\n')}`)), START_TIMEOUT_MS);
      }),
    ]);
    child.stdout.resume();
    return new Marquee(demo, talk, stop, child.pid);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What the subtitles of the film say, and when: over most of its segment boundaries. */
export const WORDS = { from_s: 2, to_s: 24, en: 'A hole in the ground', zh: '地上有一个洞' };

/** Where the chapters of the film begin, and their titles; the last has none. */
export const CHAPTERS = [{ from_s: 0, title: 'Morning' }, { from_s: 12, title: '蝴蝶 & Apfel' }, { from_s: 20, title: '' }];

/** The film with English and Chinese subtitles and chapters, its picture and sound as they are. */
async function withWords(film, folder) {
  const args = ['-v', 'error', '-i', film];
  for (const language of ['en', 'zh']) {
    const file = join(folder, `${language}.srt`);
    const stamp = (seconds) => `00:00:${String(seconds).padStart(2, '0')},000`;
    await writeFile(file, `1\n${stamp(WORDS.from_s)} --> ${stamp(WORDS.to_s)}\n<i>${WORDS[language]}</i>\n`);
    args.push('-i', file);
  }
  const table = CHAPTERS.map(({ from_s, title }, n) =>
    `[CHAPTER]\nTIMEBASE=1/1\nSTART=${from_s}\nEND=${CHAPTERS[n + 1]?.from_s ?? from_s + 1}\ntitle=${title}\n`);
  const chapters = join(folder, 'chapters.txt');
  await writeFile(chapters, `;FFMETADATA1\n${table.join('')}`);
  args.push('-f', 'ffmetadata', '-i', chapters, '-map_chapters', '3');
  const worded = join(folder, 'film.mp4');
  args.push('-map', '0:v', '-map', '0:a', '-map', '1', '-map', '2', '-c', 'copy', '-c:s', 'mov_text');
  args.push('-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=chi', worded);
  await promisify(execFile)('ffmpeg', args);
  return worded;
}

/** The demo tells of its packaging line by line; the line with an address is the last. */
async function ready(lines) {
  for await (const text of lines) {
    const line = JSON.parse(text);
    if (line.base_url) return line;
  }
  return new Promise(() => {});
}

export class Marquee {
  #viewers = 0;

  constructor(demo, talk, stop, pid) {
    this.pid = pid;
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

  /** What the default storefront sells of this title: it sells in one currency, and the demo's offers have no order. */
  offer(slug) {
    const offer = this.title(slug).offers.find(({ price }) => price.currency === 'CNY');
    if (!offer) throw new Error(`${slug} is not sold for CNY`);
    return offer;
  }

  storefront(slug) {
    const storefront = this.demo.storefronts.find((candidate) => candidate.slug === slug);
    if (!storefront) throw new Error(`the demo has no storefront ${slug}`);
    return storefront;
  }

  /** A call of the API; anything but a 2xx is an error with the whole problem in it. */
  async call(method, path, { token, body, headers = {} } = {}) {
    const init = {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    let response = await fetch(`${this.url}/api/v1${path}`, init);
    // Sign-ins are limited by address, and most tests have the same one.
    for (let tries = 0; response.status === 429 && tries < 3; tries += 1) {
      await wait(Number(response.headers.get('retry-after') ?? 20) * 1000);
      response = await fetch(`${this.url}/api/v1${path}`, init);
    }
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  operate(method, path, body, headers) {
    return this.call(method, `/operator${path}`, { token: this.demo.operator_token, body, headers });
  }

  /** A new viewer who is nobody's member. Sign-ups are limited by address, so each comes from another one of this machine. */
  async newViewer() {
    const viewer = { email: `viewer-${crypto.randomUUID()}@example.test`, password: 'a password of a test' };
    this.#viewers += 1;
    const localAddress = `127.1.${this.#viewers >> 8}.${this.#viewers & 255}`;
    const headers = { 'content-type': 'application/json' };
    const asked = request(`${this.url}/api/v1/viewers`, { method: 'POST', headers, localAddress }).end(JSON.stringify(viewer));
    const [response] = await once(asked, 'response');
    const text = (await response.toArray()).join('');
    if (response.statusCode !== 201) throw new Error(`POST /viewers: ${response.statusCode} ${text}`);
    return { ...viewer, api_token: JSON.parse(text).api_token };
  }

  async newMember() {
    const viewer = await this.newViewer();
    const [plan] = (await this.operate('GET', '/plans')).data;
    await this.operate('POST', '/memberships', { email: viewer.email, plan_id: plan.id, ends_at: hence(24 * 3600) });
    return viewer;
  }

  /** A live title with the film of the demo and no window yet. */
  async newTitle(name) {
    const { assets, synopsis } = await this.operate('GET', `/titles/${this.title('free').id}`);
    const body = { name: { en: name, 'zh-CN': name }, synopsis, assets, status: 'live', country: 'NL', rank: 100 };
    return this.operate('POST', '/titles', body);
  }

  newAvail(title_id, fields) {
    return this.operate('POST', `/titles/${title_id}/avails`, {
      license_type: 'vod',
      description: 'PVOD',
      territories: { include: ['CN'], exclude: [] },
      zone: 'Asia/Shanghai',
      ...fields,
    });
  }

  newOffer(avail_id, fields) {
    return this.operate('POST', `/avails/${avail_id}/offers`, {
      kind: 'pvod',
      list_price: { amount: 2500, currency: 'CNY' },
      clock: { on_purchase: { watch_s: 48 * 3600 } },
      ...fields,
    });
  }

  /** A file of its own: a film that is packaged from now on, or what waits for the film that it is beside. */
  async upload(bytes, metadata) {
    const headers = { authorization: `Bearer ${this.demo.operator_token}`, 'tus-resumable': '1.0.0' };
    const said = Object.entries(metadata).map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`);
    const begun = await fetch(`${this.url}/api/v1/operator/uploads`, {
      method: 'POST',
      headers: { ...headers, 'upload-length': String(bytes.length), 'upload-metadata': said.join(',') },
    });
    const location = begun.headers.get('location');
    const sent = await fetch(`${this.url}${location}`, {
      method: 'PATCH',
      headers: { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
      body: bytes,
    });
    if (sent.status !== 204) throw new Error(`PATCH ${location}: ${sent.status} ${await sent.text()}`);
    return { job_id: sent.headers.get('marquee-job'), upload_id: location.split('/').at(-1) };
  }

  async newVoucher(slug) {
    const body = { title_id: this.title(slug).id, offer_id: this.offer(slug).id, count: 1, expires_at: hence(24 * 3600), note: 'a browser test' };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    return (await this.operate('POST', '/voucher-batches', body, headers)).codes[0];
  }

  async buy(viewer, slug, outcome = 'paid') {
    return this.call('POST', '/purchases', {
      token: viewer.api_token,
      headers: { 'idempotency-key': crypto.randomUUID() },
      body: { offer_id: this.offer(slug).id, payment: { method: 'sandbox', outcome } },
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

/** The instant that is this far from now. */
export const hence = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

export function formatMoney({ amount, currency }, locale = 'en', options = {}) {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...options });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/** As the storefront writes a price: whole amounts without their zeros. */
export const formatPrice = (money, locale) => formatMoney(money, locale, { trailingZeroDisplay: 'stripIfInteger' });
