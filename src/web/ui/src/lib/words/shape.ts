// The languages, and the shape that a catalogue gives its translations.

export type Locale = 'zh-CN' | 'en';
export const locales: readonly Locale[] = ['zh-CN', 'en'];
export const localeNames: Record<Locale, string> = { 'zh-CN': '中文', en: 'English' };

/** Every key of `En`, no other, each a text or a function of the same arguments. */
export type Shape<En> = {
  readonly [Key in keyof En]: En[Key] extends (...args: infer Args) => string ? (...args: Args) => string : string;
};
