// Paths such as `/watch/{title_id}`, and the pages and parameters they stand for.

export type Patterns = Record<string, string>;

type Params<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { [Key in Name]: string } & Params<Rest>
  : unknown;

/** `{ watch: '/watch/{title_id}' }` gives `{ page: 'watch'; title_id: string }`. */
export type Place<Known extends Patterns> =
  | { [Page in keyof Known & string]: { page: Page } & Params<Known[Page]> }[keyof Known & string]
  | { page: 'unknown' };

export function placeOf<const Known extends Patterns>(patterns: Known, path: string): Place<Known> {
  for (const [page, pattern] of Object.entries(patterns)) {
    const params = paramsOf(pattern, path);
    if (params) return { page, ...params } as Place<Known>;
  }
  return { page: 'unknown' };
}

function paramsOf(pattern: string, path: string): Record<string, string> | null {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, want] of wanted.entries()) {
    const part = given[i] ?? '';
    const name = /^\{(\w+)\}$/.exec(want)?.[1];
    if (name === undefined) {
      if (want !== part) return null;
      continue;
    }
    if (part === '') return null;
    try {
      params[name] = decodeURIComponent(part);
    } catch {
      return null;
    }
  }
  return params;
}

/** The path of a pattern with its parameters filled in. */
export function pathOf<const Path extends string>(pattern: Path, params: Params<Path>): string {
  const values = params as Record<string, string>;
  return pattern.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}
