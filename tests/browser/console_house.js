// A new server of the console's tests, the wire that may be cut before it, and its operators.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { openPage } from './chromium.js';
import { Marquee } from './marquee.js';

const ROOT = resolve(import.meta.dirname, '../..');
const UP_WITHIN_MS = 120_000;
export const PASSWORD = 'a password of an operator';

/** `marquee serve` in an empty folder, as whoever installs it meets it. */
export async function startNew() {
  const folder = await mkdtemp(join(tmpdir(), 'marquee-console-'));
  const binary = process.env.MARQUEE_TEST_BIN ?? join(ROOT, 'target/debug/marquee');
  const child = spawn(binary, ['serve', '--port', '0', '--https-port', '0', '--data', folder], {
    cwd: folder,
    env: { ...process.env, MARQUEE_MODE: 'test', MARQUEE_PLACE__DEFAULT_TERRITORY: 'CN' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const talk = [];
  const said = (pattern) =>
    new Promise((found, lost) => {
      const look = (line) => pattern.test(line) && found(pattern.exec(line)[1]);
      talk.forEach(look);
      lines.on('line', look);
      child.once('exit', (code) => lost(new Error(`marquee serve ended with ${code}:\n${talk.join('\n')}`)));
      setTimeout(() => lost(new Error(`marquee serve did not say ${pattern}:\n${talk.join('\n')}`)), UP_WITHIN_MS).unref();
    });
  const lines = createInterface({ input: child.stderr });
  lines.on('line', (line) => talk.push(line));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const link = await said(/(http:\S+\/console\/welcome#\S+)/);
    const operator_token = (await readFile(join(folder, 'keys/operator.token'), 'utf8')).trim();
    return new Marquee({ base_url: new URL(link).origin, operator_link: link, operator_token, titles: [], viewers: [] }, talk, stop, child.pid);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Passes bytes on to the server, until it is cut. */
export class Wire {
  static async to(url) {
    const wire = new Wire();
    wire.target = Number(new URL(url).port);
    wire.sockets = new Set();
    wire.cut = false;
    wire.left = Infinity;
    wire.server = createServer((near) => wire.#join(near));
    wire.server.listen(0, '127.0.0.1');
    await once(wire.server, 'listening');
    wire.url = `http://127.0.0.1:${wire.server.address().port}`;
    return wire;
  }

  #join(near) {
    if (this.cut) {
      near.destroy();
      return;
    }
    const far = connect(this.target, '127.0.0.1');
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('close', () => {
        this.sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
      socket.on('error', () => {});
    }
    near.on('data', (bytes) => {
      this.left -= bytes.length;
      if (this.left <= 0) this.break();
      else if (!far.write(bytes)) near.pause();
    });
    far.on('drain', () => near.resume());
    far.pipe(near);
  }

  /** The server is away, for those who are there and for those who come. */
  break() {
    this.cut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** It is cut after so many more bytes from the browser. */
  breakAfter(bytes) {
    this.left = bytes;
  }

  mend() {
    this.left = Infinity;
    this.cut = false;
  }

  async close() {
    this.break();
    this.server.close();
  }
}

/** Takes a one-time link as the page does; answers with the cookies of who came in. */
export async function enter(marquee, link, { name, email }) {
  const token = new URL(link, marquee.url).hash.slice(1);
  const response = await fetch(`${marquee.url}/api/v1/operator/welcome`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, name, email, password: PASSWORD }),
  });
  assert.equal(response.status, 201, await response.clone().text());
  const [pair] = response.headers.getSetCookie()[0].split(';');
  const [cookie, ...value] = pair.split('=');
  const place = { domain: '127.0.0.1', path: '/', expires: -1, secure: true, httpOnly: true, sameSite: 'Strict' };
  return { cookies: [{ name: cookie, value: value.join('='), ...place }], origins: [] };
}

/** The owner of the demo's cinema, made by its one-time link when first needed. */
export async function ownerOf(world) {
  world.owner ??= enter(world.marquee, world.marquee.demo.operator_link, { name: '陈影', email: 'owner@example.test' });
  return world.owner;
}

export async function invited(world, role) {
  const email = `${role}-${crypto.randomUUID()}@example.test`;
  const { link } = await world.marquee.operate('POST', '/operators', { name: role, email, role });
  return { email, session: await enter(world.marquee, link, { name: role, email }) };
}

export async function openConsole(world, path = '/console', { as, at, ...options } = {}) {
  const storageState = await (as ?? ownerOf(world));
  const place = at ?? world.marquee;
  const page = await openPage(world.browser, place, { storageState, ...options });
  await page.goto(`${place.url}${path}`);
  return page;
}

/** A list of the operator's API to its end. */
export async function every(marquee, path) {
  const rows = [];
  for (let cursor = null; ; ) {
    const from = cursor === null ? '' : `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
    const { data, next_cursor } = await marquee.operate('GET', path + from);
    rows.push(...data);
    if (!next_cursor) return rows;
    cursor = next_cursor;
  }
}
