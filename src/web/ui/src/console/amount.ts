/** How many characters at the end of an amount are its fraction, the point included: 3 of ¥1,234.50. */
export function fractionOf(text: string): number {
  return /[.,]\d{1,2}$/.exec(text)?.[0].length ?? 0;
}
