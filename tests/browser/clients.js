// The picture of conformance, in the browser: every protection, with and without a release card before the film, in players
// that are not ours, on a page of another origin that is given nothing but the session's URL. What a player cannot do is
// in the table too, with the reason, and fails here when it begins to work. (tests/it/clients.rs has the other clients.)

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { hence } from './marquee.js';
import { serve } from './switching.js';

const NUMBER = '（总局）网影审字（2022）第001号';
const CARD_S = 5;
const CARD_READY_WITHIN_MS = 60_000;
/** How far into the film a client has to play. */
const PLAYED_S = 2;

const PROTECTIONS = ['clear', 'aes128', 'cbcs'];
const TIMELINES = ['plain', 'composed'];
const CLIENTS = { 'hls.js': playInHls, 'Shaka Player': playInShaka, 'Chromium itself': playNatively };

/** Why a client does not play what it is given, and what it then says; nothing where it must. */
function expectedFailure(client, protection) {
  if (client === 'Chromium itself' && protection !== 'clear') {
    return { reason: 'it fetches the key and then cannot parse the segment', said: /no supported source|COULD_NOT_PARSE/ };
  }
  return undefined;
}

export function clients(world) {
  /** The titles of the table, of the demo's film; their cards are one, made once. */
  const titles = {};

  async function publish() {
    const { marquee } = world;
    const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
    const name = { en: 'Of clients', 'zh-CN': '各种播放器' };
    for (const timeline of TIMELINES) {
      for (const protection of PROTECTIONS) {
        const sealed = protection === 'clear' ? {} : { protection };
        const title = await marquee.operate('POST', '/titles', { name, assets, status: 'live', country: 'NL', rank: 100, ...sealed });
        if (timeline === 'composed') {
          await marquee.operate('PUT', `/titles/${title.id}/licence`, { kind: 'online_release', number: NUMBER });
        }
        const license_type = protection === 'clear' ? 'avod' : 'vod';
        const avail = await marquee.newAvail(title.id, { license_type, start_at: hence(-3600), end_at: hence(24 * 3600) });
        const offer = protection === 'clear' ? undefined : await marquee.newOffer(avail.id);
        titles[`${protection} ${timeline}`] = { title, offer };
      }
    }
    const begun_at = Date.now();
    for (const { title } of PROTECTIONS.map((protection) => titles[`${protection} composed`])) {
      for (;;) {
        const [card] = (await marquee.operate('GET', `/titles/${title.id}/licence`)).cards;
        if (card.status === 'ready') break;
        assert.ok(card.status !== 'failed' && Date.now() - begun_at < CARD_READY_WITHIN_MS, JSON.stringify(card));
        await wait(100);
      }
    }
  }

  async function playedBy(play, viewer, protection, timeline, site) {
    const { marquee, browser } = world;
    const { title, offer } = titles[`${protection} ${timeline}`];
    if (offer) {
      await marquee.call('POST', '/purchases', {
        token: viewer.api_token,
        headers: { 'idempotency-key': crypto.randomUUID() },
        body: { offer_id: offer.id, payment: { method: 'sandbox', outcome: 'paid' } },
      });
    }
    const session = await marquee.call('POST', '/playback-sessions', { token: viewer.api_token, body: { title_id: title.id } });
    const clips = session.clips.map(({ kind }) => kind);
    assert.deepEqual(clips, timeline === 'composed' ? ['card', 'film'] : ['film']);
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      await page.goto(site.url);
      const url = new URL(session.playback_url, marquee.url).href;
      const until_s = PLAYED_S + (timeline === 'composed' ? CARD_S : 0);
      const license = url.replace('main.m3u8', 'license/clearkey');
      const card_ms = timeline === 'composed' ? CARD_S * 1000 : 0;
      return await page.evaluate(play, { url, license, sealed: protection === 'cbcs', card_ms, until_s });
    } finally {
      await context.close();
    }
  }

  for (const [client, play] of Object.entries(CLIENTS)) {
    test(`${client} plays every presentation, or fails for the reason that is written down`, async (t) => {
      if (Object.keys(titles).length === 0) await publish();
      const viewer = await world.marquee.newViewer();
      const modules = new URL('node_modules/', import.meta.url);
      const site = await serve({
        '/': ['text/html', `<!doctype html><title>clients</title><video muted width=320 height=180></video>
          <script src="/hls.js"></script><script src="/shaka.js"></script><script src="/watched.js"></script>`],
        '/hls.js': ['text/javascript', await readFile(new URL('hls.js/dist/hls.min.js', modules))],
        '/shaka.js': ['text/javascript', await readFile(new URL('shaka-player/dist/shaka-player.compiled.js', modules))],
        '/watched.js': ['text/javascript', String(watched)],
      });
      try {
        const wrong = [];
        const hold = async (protection, timeline) => {
          const { errors, played_s, ...seen } = await playedBy(play, viewer, protection, timeline, site);
          const expected = expectedFailure(client, protection);
          const cell = `${client}, ${protection}, ${timeline}`;
          const said = JSON.stringify({ errors, played_s, ...seen });
          if (errors.length === 0) {
            t.diagnostic(`${cell}: plays ${played_s.toFixed(1)} s`);
            if (expected) wrong.push(`${cell} plays now: ${expected.reason}?`);
            if (seen.frames === 0 || seen.audio_bytes === 0) wrong.push(`${cell} shows or sounds nothing: ${said}`);
            if (protection === 'cbcs' && !seen.sealed) wrong.push(`${cell} needed no licence: ${said}`);
          } else if (expected?.said.test(said)) t.diagnostic(`${cell}: ${expected.reason}`);
          else wrong.push(`${cell} fails: ${said}`);
        };
        for (const timeline of TIMELINES) await Promise.all(PROTECTIONS.map((protection) => hold(protection, timeline)));
        assert.deepEqual(wrong, []);
      } finally {
        await site.close();
      }
    });
  }
}

// What follows runs in the page.

/** Plays what is loaded until it has come this far, or an error has ended it. */
async function watched(video, errors, until_s) {
  const begun_at = performance.now();
  await Promise.race([video.play(), new Promise((resolve) => setTimeout(resolve, 5_000))]).catch((error) => errors.push(`${error}`));
  while (video.currentTime < until_s && errors.length === 0) {
    if (performance.now() - begun_at > 30_000) errors.push(`stopped at ${video.currentTime}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    errors,
    played_s: video.currentTime,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    audio_bytes: video.webkitAudioDecodedByteCount,
    sealed: video.mediaKeys !== null,
  };
}

async function playInHls({ url, license, sealed, card_ms, until_s }) {
  const video = document.querySelector('video');
  const errors = [];
  // Licences are withheld while the card runs, and hls.js gives up after a few quick refusals.
  const cardIsOver = new Promise((resolve) => setTimeout(resolve, card_ms));
  // Where a playlist offers the plain key, hls.js takes it before any other, and cannot open fragmented MP4 with it.
  class WithoutPlainKey extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      super.load(context, config, {
        ...callbacks,
        onSuccess: (response, ...rest) => {
          response.data = response.data.replace(/^#EXT-X-KEY:METHOD=SAMPLE-AES,.*KEYFORMAT="identity".*\n/gm, '');
          callbacks.onSuccess(response, ...rest);
        },
      });
    }
  }
  // Asking by the key's id, as the playlist names it; left alone hls.js 1.7 comes to wait for a key without end.
  const generateRequest = (_type, _data, { decryptdata: { keyId } }) => {
    const kid = btoa(String.fromCharCode(...keyId)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    return { initDataType: 'keyids', initData: new TextEncoder().encode(JSON.stringify({ kids: [kid] })).buffer };
  };
  const licensing = {
    emeEnabled: true,
    licenseXhrSetup: () => cardIsOver,
    drmSystems: { 'org.w3.clearkey': { licenseUrl: license, generateRequest } },
    drmSystemOptions: { audioEncryptionScheme: 'cbcs', videoEncryptionScheme: 'cbcs' },
    pLoader: WithoutPlainKey,
  };
  const hls = new Hls({ capLevelToPlayerSize: true, ...(sealed ? licensing : {}) });
  hls.on(Hls.Events.ERROR, (_, { fatal, type, details, error, response }) => {
    if (fatal) errors.push(`${type} ${details} ${error?.message} ${response?.code}`);
  });
  hls.attachMedia(video);
  hls.loadSource(url);
  return watched(video, errors, until_s);
}

async function playInShaka({ url, card_ms, until_s }) {
  const video = document.querySelector('video');
  const errors = [];
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  player.addEventListener('error', ({ detail }) => errors.push(`${detail.code} ${detail.data}`));
  await player.attach(video);
  // Keys are withheld while the card runs.
  const retryParameters = { maxAttempts: 2 + card_ms / 500, baseDelay: 500, backoffFactor: 1 };
  player.configure({ abr: { restrictToElementSize: true }, manifest: { retryParameters }, streaming: { retryParameters } });
  await player.load(url).catch((error) => errors.push(`${error.code ?? error} ${error.data}`));
  return watched(video, errors, until_s);
}

async function playNatively({ url, license, sealed, until_s }) {
  const video = document.querySelector('video');
  const errors = [];
  video.addEventListener('error', () => errors.push(`${video.error.code} ${video.error.message}`));
  if (video.canPlayType('application/vnd.apple.mpegurl') === '') errors.push('it says that it plays no HLS');
  if (sealed) {
    const contentType = (kind, codec) => ({ contentType: `${kind}/mp4; codecs="${codec}"`, encryptionScheme: 'cbcs' });
    const configuration = {
      initDataTypes: ['cenc', 'keyids'],
      videoCapabilities: [contentType('video', 'avc1.64001f')],
      audioCapabilities: [contentType('audio', 'mp4a.40.2')],
    };
    const access = await navigator.requestMediaKeySystemAccess('org.w3.clearkey', [configuration]);
    await video.setMediaKeys(await access.createMediaKeys());
    video.addEventListener('encrypted', async ({ initDataType, initData }) => {
      const session = video.mediaKeys.createSession();
      session.addEventListener('message', async ({ message }) => {
        const answer = await fetch(license, { method: 'POST', body: message });
        await session.update(await answer.arrayBuffer());
      });
      await session.generateRequest(initDataType, initData);
    });
  }
  video.src = url;
  return watched(video, errors, until_s);
}
