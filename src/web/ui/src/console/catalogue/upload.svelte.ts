// A film on its way to the server by tus 1.0.0, in slices, taken up again where the server has it.
//
//   starting --> sending <--> waiting (the connection broke; tried again by itself)
//                  |  ^
//             paused  failed          sending --whole--> done, with the job that packages it
//
// A file of sound or subtitles has no job of its own: when it is whole it waits for the film that names it.
//
// An upload goes on while other pages of the console are open. After a reload the browser no longer has the file: the
// operator names it again, and its fingerprint finds the upload that it began.

import { SvelteMap } from 'svelte/reactivity';
import { troubleOf, type Trouble } from '../../lib/http';
import { catalogue, type OpenUpload, type SidecarKind } from '../api/catalogue';
import { Pace } from './pace';

const URL = '/api/v1/operator/uploads';
const SLICE_BYTES = 64 * 1024 * 1024;
const KEPT_AS = 'marquee.uploads';
const KEPT_MAX = 64;
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 30_000;
const HEADERS = { 'tus-resumable': '1.0.0' };

/** Names a file as well as can be without reading its gigabytes. */
export function fingerprint(file: Pick<File, 'name' | 'size' | 'lastModified'>): string {
  return `${file.name}|${file.size}|${file.lastModified}`;
}

/** What this browser remembers of an upload and of the job it became. */
export interface Kept {
  fingerprint: string;
  upload_id: string;
  job_id?: string;
  /** The title that the film is for. */
  title_id: string | null;
}

export function kept(): Kept[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEPT_AS) ?? '[]');
    return Array.isArray(value) ? (value as Kept[]) : [];
  } catch {
    return [];
  }
}

function keep(entry: Kept): void {
  const rest = kept().filter((other) => other.upload_id !== entry.upload_id);
  localStorage.setItem(KEPT_AS, JSON.stringify([...rest, entry].slice(-KEPT_MAX)));
}

export function forget(upload_id: string): void {
  localStorage.setItem(KEPT_AS, JSON.stringify(kept().filter((entry) => entry.upload_id !== upload_id)));
}

/** What a file beside a film is. */
export interface Sidecar {
  kind: SidecarKind;
  language: string;
}

export interface UploadRole {
  /** None of a film. */
  sidecar?: Sidecar;
  /** Of a film: the ids of the uploads beside it. */
  beside?: readonly string[];
}

/** What a file is by its name; most likely. */
export function kindOf(file_name: string): SidecarKind {
  return /\.(srt|ass|ssa|vtt|ttml|dfxp|xml)$/i.test(file_name) ? 'subtitles' : 'audio';
}

function metadata(pairs: Record<string, string>): string {
  const encoded = (value: string) => btoa(String.fromCharCode(...new TextEncoder().encode(value)));
  return Object.entries(pairs).map(([key, value]) => `${key} ${encoded(value)}`).join(',');
}

interface Reply {
  status: number;
  text: string;
  header: (name: string) => string | null;
}

export class FilmUpload {
  phase: 'starting' | 'sending' | 'waiting' | 'paused' | 'failed' | 'done' = $state('starting');
  sent = $state(0);
  bytes_per_s: number | null = $state(null);
  trouble: Trouble | null = $state(null);
  id: string | null = $state(null);
  job_id: string | null = $state(null);
  /** It went on from bytes that an earlier visit had sent. */
  resumed_at: number | null = $state(null);

  readonly file: File;
  readonly title_id: string | null;
  readonly sidecar: Sidecar | null;
  readonly #beside: readonly string[];
  readonly #pace = new Pace();
  #request: XMLHttpRequest | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(file: File, title_id: string | null, role: UploadRole, resume?: OpenUpload) {
    this.file = file;
    this.title_id = title_id;
    this.sidecar = role.sidecar ?? null;
    this.#beside = role.beside ?? [];
    if (resume) {
      this.id = resume.id;
      this.resumed_at = resume.received;
      this.sent = resume.received;
      this.#remember();
    }
    void this.#run();
  }

  get eta_s(): number | null {
    return this.bytes_per_s ? (this.file.size - this.sent) / this.bytes_per_s : null;
  }

  get is_open(): boolean {
    return this.phase !== 'done' && this.phase !== 'failed';
  }

  pause(): void {
    if (!this.is_open) return;
    this.phase = 'paused';
    this.bytes_per_s = null;
    clearTimeout(this.#timer);
    this.#request?.abort();
  }

  resume(): void {
    if (this.phase !== 'paused' && this.phase !== 'failed' && this.phase !== 'waiting') return;
    clearTimeout(this.#timer);
    this.trouble = null;
    this.phase = 'starting';
    void this.#run();
  }

  async cancel(): Promise<void> {
    this.pause();
    if (this.id === null) return;
    const { id } = this;
    this.id = null;
    forget(id);
    await catalogue.deleteUpload(id);
  }

  async #run(): Promise<void> {
    try {
      if (this.id === null) await this.#create();
      else await this.#ask();
      while (this.phase === 'starting' || this.phase === 'sending') {
        if (this.job_id !== null || (this.sidecar !== null && this.sent === this.file.size && this.id !== null)) {
          this.phase = 'done';
          this.bytes_per_s = null;
          return;
        }
        this.phase = 'sending';
        await this.#send();
      }
    } catch (error) {
      // A pause aborts the request on purpose.
      if (this.phase === 'paused') return;
      this.#stumble(error instanceof Stumble ? error : new Stumble({ code: 'UNKNOWN' }, false));
    }
  }

  async #create(): Promise<void> {
    const reply = await this.#exchange('POST', URL, {
      ...HEADERS,
      'upload-length': String(this.file.size),
      'upload-metadata': metadata({
        filename: this.file.name,
        ...(this.sidecar ?? {}),
        ...(this.#beside.length > 0 ? { beside: this.#beside.join(' ') } : {}),
      }),
    });
    this.id = reply.header('location')?.split('/').pop() ?? null;
    if (this.id === null) throw new Stumble({ code: 'UNKNOWN' }, false);
    this.#remember();
  }

  /** Where the server is: it kept what arrived before the connection broke. */
  async #ask(): Promise<void> {
    this.#take(await this.#exchange('HEAD', `${URL}/${this.id}`, HEADERS));
  }

  async #send(): Promise<void> {
    const start = this.sent;
    const slice = this.file.slice(start, Math.min(this.file.size, start + SLICE_BYTES));
    const headers = { ...HEADERS, 'upload-offset': String(start), 'content-type': 'application/offset+octet-stream' };
    this.#take(await this.#exchange('PATCH', `${URL}/${this.id}`, headers, slice, start));
    this.#failures = 0;
  }

  #take(reply: Reply): void {
    const offset = Number(reply.header('upload-offset') ?? NaN);
    if (Number.isFinite(offset)) this.sent = offset;
    this.job_id = reply.header('marquee-job');
    if (this.job_id !== null) this.#remember();
  }

  #stumble(stumble: Stumble): void {
    this.bytes_per_s = null;
    this.trouble = stumble.trouble;
    if (!stumble.passes) {
      this.phase = 'failed';
      return;
    }
    this.phase = 'waiting';
    const delay = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.resume(), delay);
  }

  #remember(): void {
    if (this.id === null) return;
    const job = this.job_id === null ? {} : { job_id: this.job_id };
    keep({ fingerprint: fingerprint(this.file), upload_id: this.id, title_id: this.title_id, ...job });
  }

  /** XMLHttpRequest says how much of a body has left; fetch does not. */
  #exchange(method: string, url: string, headers: Record<string, string>, body?: Blob, start = 0): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.#request = request;
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => {
        if (body === undefined) return;
        this.sent = start + loaded;
        this.bytes_per_s = this.#pace.mark(this.sent, performance.now());
      };
      request.onabort = () => reject(new Stumble({ code: 'NETWORK' }, true));
      request.onerror = () => reject(new Stumble({ code: 'NETWORK' }, true));
      request.onload = () => {
        const { status, responseText: text } = request;
        if (status >= 200 && status < 300) {
          resolve({ status, text, header: (name) => request.getResponseHeader(name) });
          return;
        }
        const trouble = troubleOf(status, text, request.getResponseHeader('x-request-id'));
        // Another offset, a lock of a request that is still dying, a full queue: asking again mends them.
        reject(new Stumble(trouble, [409, 423, 429, 502, 503, 504].includes(status)));
      };
      request.send(body ?? null);
    });
  }
}

class Stumble extends Error {
  constructor(
    readonly trouble: Trouble,
    readonly passes: boolean,
  ) {
    super(trouble.code);
  }
}

class Uploads {
  /** By a number of this visit; the newest last. */
  readonly running = new SvelteMap<number, FilmUpload>();
  #count = 0;

  constructor() {
    addEventListener('beforeunload', (event) => {
      if ([...this.running.values()].some((upload) => upload.phase === 'sending')) event.preventDefault();
    });
  }

  of(title_id: string): [number, FilmUpload][] {
    return [...this.running].filter(([, upload]) => upload.title_id === title_id);
  }

  begin(file: File, title_id: string | null, role: UploadRole, resume?: OpenUpload): FilmUpload {
    const upload = new FilmUpload(file, title_id, role, resume);
    this.running.set(++this.#count, upload);
    return upload;
  }

  dismiss(number: number): void {
    this.running.delete(number);
  }
}

export const uploads = new Uploads();

export type Found =
  | { kind: 'none' }
  /** This browser began it with this very file. */
  | { kind: 'same'; upload: OpenUpload }
  /** Another visit began one of this name and size: only the operator knows whether it is the same film. */
  | { kind: 'alike'; upload: OpenUpload };

export function findOpen(file: File, open: readonly OpenUpload[], remembered: readonly Kept[] = kept()): Found {
  const print = fingerprint(file);
  const ids = new Set(remembered.filter((entry) => entry.fingerprint === print).map((entry) => entry.upload_id));
  const alike = open.filter((upload) => upload.file_name === file.name && upload.length === file.size);
  const same = alike.find((upload) => ids.has(upload.id));
  if (same) return { kind: 'same', upload: same };
  return alike[0] ? { kind: 'alike', upload: alike[0] } : { kind: 'none' };
}
