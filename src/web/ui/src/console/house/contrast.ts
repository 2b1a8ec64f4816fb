// The contrast of a brand colour, as WCAG 2.2 measures it. The storefront mends the colour where it is text by the same
// rule (tokens.css): buttons keep it and choose black or white for their text.

export type Rgb = readonly [number, number, number];

export function rgbOf(text: string): Rgb | null {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  if (!match) return null;
  return [parseInt(match[1] ?? '', 16), parseInt(match[2] ?? '', 16), parseInt(match[3] ?? '', 16)];
}

export function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

export const WHITE: Rgb = [255, 255, 255];
export const BLACK: Rgb = [0, 0, 0];
export const PAPER_LIGHT: Rgb = [248, 247, 244];
export const PAPER_DARK: Rgb = [11, 11, 12];
const READABLE = 4.5;

/** The text of a button in this colour. */
export const inkOn = (colour: Rgb): Rgb => (luminance(colour) > 0.179 ? BLACK : WHITE);

/** The colour where it is text, moved towards black or white only as far as it has to be. */
export function readable(colour: Rgb, paper: Rgb): Rgb {
  const towards = luminance(paper) > 0.5 ? BLACK : WHITE;
  for (let step = 0; step <= 100; step += 1) {
    const mixed = colour.map((byte, i) => Math.round(byte + ((towards[i] ?? 0) - byte) * (step / 100))) as unknown as Rgb;
    if (contrast(mixed, paper) >= READABLE) return mixed;
  }
  return towards;
}

export const isReadable = (colour: Rgb, paper: Rgb): boolean => contrast(colour, paper) >= READABLE;
export const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;
