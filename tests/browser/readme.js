// What the README tells a newcomer to type against the demo.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';

export function readme(world) {
  test('the API in five calls signs up, buys and plays the whole film', async () => {
    const { marquee } = world;
    const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const calls = /```sh\n([^`]*\/playback-sessions[^`]*)```/.exec(text)[1];
    assert.ok(calls.includes('http://127.0.0.1:8080/') && calls.includes('ann@example.com'));
    // FFmpeg's progress, and what it prints where there is an error, go to one place: the progress is left out.
    const here = calls.replaceAll('http://127.0.0.1:8080', marquee.url).replace(' -stats ', ' -xerror ');
    const { stdout, stderr } = await promisify(execFile)('bash', ['-euc', `set -o pipefail\n${here}`]);
    assert.equal(JSON.parse(stdout).status, 'paid');
    assert.equal(stderr, '');
  });
}
