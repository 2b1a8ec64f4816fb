// What a packaging job's stage and its failure mean, in words.

import { bitrate, bytes, count, duration, position } from '../../lib/format';
import type { Locale, Shape } from '../../lib/words/shape';
import type { Job, OpenUpload, Playable, Rendition, Source, SourceTrack } from '../api/catalogue';
import type { en } from '../words/film';

type Words = Shape<typeof en>;

export function stageText(stage: string | null | undefined, words: Words): string {
  const said = words as unknown as Record<string, unknown>;
  const text = said[`stage_${stage}`];
  return typeof text === 'string' ? text : words.job_running;
}

/** The file that is packaged, or the card that is made. */
export function jobName({ card_of, source_name }: Pick<Job, 'card_of' | 'source_name'>, words: Words): string {
  return card_of ? words.card_of(source_name) : source_name;
}

/** A code that is not known yet still says what to do. */
export function jobFailure(code: string, words: Words, of: 'film' | 'card'): string {
  const said = words as unknown as Record<string, unknown>;
  // What else goes wrong is told as it is of an upload, and nobody uploads a card.
  const text = of === 'film' || code.startsWith('CARD_') ? said[`err_${code}`] : undefined;
  if (typeof text === 'string') return text;
  return of === 'film' ? words.err_UNKNOWN : words.err_card_UNKNOWN;
}

const RUNG = /^v(\d+)/;

/** How many rungs of a film's ladder can be played already. */
export function rungsText({ tracks, planned }: Playable, words: Words, locale: Locale): string {
  const rungs = (ids: string[]) => ids.filter((id) => RUNG.test(id)).length;
  return words.playable_now(count(rungs(tracks), locale), count(Math.max(rungs(tracks), rungs(planned)), locale));
}

/** How much of a film can be played already, and in which sizes. */
export function playableText({ playable_ms, film_ms, tracks }: Playable, words: Words): string {
  const at = (ms: number) => position(ms / 1_000);
  const heights = new Set(tracks.flatMap((track) => RUNG.exec(track)?.[1] ?? []));
  return [words.playable_of(at(playable_ms), at(film_ms)), ...[...heights].map((height) => `${height}p`)].join(' · ');
}

/** What a file beside a film is. */
export function sidecarText(sidecar: { kind: OpenUpload['kind']; language: string | null }, words: Words, locale: Locale): string {
  const kind = sidecar.kind === 'audio' ? words.beside_audio : words.beside_subtitles;
  return [kind, languageText(sidecar.language, locale)].filter((text) => text !== '').join(' · ');
}

export function kindText(kind: string, words: Words): string {
  const text = (words as unknown as Record<string, unknown>)[`kind_${kind}`];
  return typeof text === 'string' ? text : kind;
}

export function languageText(tag: string | null | undefined, locale: Locale): string {
  if (!tag || tag === 'und') return '';
  try {
    return new Intl.DisplayNames(locale, { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** H264 1920×1080 24 fps; AAC 5.1 Chinese. */
export function trackText(track: SourceTrack, words: Words, locale: Locale): string {
  return [
    kindText(track.kind, words),
    track.codec.toUpperCase(),
    track.width && track.height ? `${track.width}×${track.height}` : '',
    track.frame_rate ? words.fps(count(Math.round(track.frame_rate * 1000) / 1000, locale)) : '',
    track.channels ? words.channels(track.channels) : '',
    languageText(track.language, locale),
  ]
    .filter((text) => text !== '')
    .join(' ');
}

export function sourceText(source: Source, locale: Locale): string {
  return [
    source.container ?? '',
    source.duration_ms ? duration(source.duration_ms, locale, 'short') : '',
    source.size_bytes ? bytes(source.size_bytes, locale) : '',
  ]
    .filter((text) => text !== '')
    .join(' · ');
}

export function renditionText(rendition: Rendition, words: Words, locale: Locale): string {
  if (rendition.height) return `${rendition.height}p`;
  return [rendition.channels ? words.channels(rendition.channels) : rendition.track, languageText(rendition.language, locale)].join(' ').trim();
}

export const bitrateText = (rendition: Rendition, locale: Locale): string =>
  rendition.bitrate_bps ? bitrate(rendition.bitrate_bps, locale) : '—';
