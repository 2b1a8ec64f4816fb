// The world as tiles of one size, one for every officially assigned territory, roughly where it lies. There is no map in it
// that could be right or wrong about a border: large and small count the same, as they do in a licence.

export const continents = ['americas', 'europe', 'africa', 'asia', 'oceania'] as const;
export type Continent = (typeof continents)[number];

/** Two letters are a territory, two points are sea. */
const DRAWN: Record<Continent, string> = {
  americas: `
    .. CA .. .. .. .. .. GL .. ..
    .. US .. .. .. PM .. .. .. ..
    MX .. .. BS TC .. BM .. .. ..
    GT BZ KY CU HT DO PR VI VG AI
    SV HN .. JM .. .. BQ SX MF BL
    .. NI .. .. .. .. KN MS AG GP
    .. CR .. AW CW .. .. DM MQ BB
    .. .. PA .. .. .. GD VC LC ..
    .. .. .. CO VE TT GY SR GF ..
    .. .. .. EC .. BR .. .. .. ..
    .. .. .. PE BO PY .. .. .. ..
    .. .. .. CL AR UY .. .. .. ..
    .. .. .. .. .. FK GS BV .. ..`,
  europe: `
    .. .. .. .. .. SJ .. .. ..
    IS .. FO .. NO SE AX FI ..
    .. .. .. .. .. .. .. EE RU
    IE IM GB .. DK .. .. LV ..
    .. GG JE NL DE .. PL LT BY
    .. .. FR BE LU CZ SK UA MD
    PT ES AD MC CH LI AT HU RO
    .. GI .. IT SM SI HR RS BG
    .. .. .. .. VA .. BA ME MK
    .. .. .. .. MT .. .. AL GR`,
  africa: `
    .. MA DZ TN LY EG .. .. .. .. .. ..
    CV EH MR ML NE TD SD ER DJ .. .. ..
    GM SN GN BF BJ NG CF SS ET SO .. ..
    GW SL LR CI GH TG CM CD UG KE .. ..
    .. .. .. .. ST GQ GA CG RW TZ SC ..
    SH .. .. .. .. .. AO ZM BI MW KM IO
    .. .. .. .. .. .. NA BW ZW MZ YT ..
    .. .. .. .. .. .. ZA LS SZ .. MG MU
    .. .. .. .. .. .. .. .. .. .. TF RE`,
  asia: `
    .. .. GE .. KZ .. .. MN .. .. .. ..
    TR AM AZ TM UZ TJ KG CN .. KP KR JP
    CY LB SY IQ IR AF .. .. .. .. TW ..
    IL PS JO KW .. PK NP BT MO HK .. ..
    .. .. SA BH QA AE IN BD MM LA VN PH
    .. .. .. YE OM .. LK .. TH KH .. ..
    .. .. .. .. .. MV .. .. MY SG BN ..
    .. .. .. .. .. .. .. .. .. ID TL ..`,
  oceania: `
    .. PW GU MP .. MH .. UM ..
    .. .. FM .. NR KI .. .. ..
    CX .. PG SB TV TK WS AS ..
    CC .. .. VU WF FJ TO NU CK
    .. AU NC .. .. .. .. PF PN
    .. .. .. NF .. NZ .. .. ..
    HM .. .. .. AQ .. .. .. ..`,
};

export interface Tile {
  code: string;
  continent: Continent;
  /** From 0 at the west and the north of its continent. */
  column: number;
  row: number;
}

export const tiles: readonly Tile[] = continents.flatMap((continent) =>
  DRAWN[continent]
    .trim()
    .split('\n')
    .flatMap((line, row) =>
      line
        .trim()
        .split(' ')
        .flatMap((code, column) => (code === '..' ? [] : [{ code, continent, column, row }])),
    ),
);

export const rowsOf = (continent: Continent): number => DRAWN[continent].trim().split('\n').length;
export const columnsOf = (continent: Continent): number => DRAWN[continent].trim().split('\n')[0]?.trim().split(' ').length ?? 0;

/** Where each continent's corner stands on the whole world, in tiles; the keys follow it on narrow screens too. */
export const CORNERS: Record<Continent, [column: number, row: number]> = {
  americas: [0, 0],
  europe: [12, 0],
  africa: [11, 10],
  asia: [23, 1],
  oceania: [26, 10],
};

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The next tile that way, the nearest to the straight line; the same where there is none. */
export function nextTile(code: string, direction: Direction): string {
  const at = tiles.find((tile) => tile.code === code);
  if (!at) return code;
  const placed = (tile: Tile) => [CORNERS[tile.continent][0] + tile.column, CORNERS[tile.continent][1] + tile.row] as const;
  const [x, y] = placed(at);
  const sign = direction === 'left' || direction === 'up' ? -1 : 1;
  let found = code;
  let least = Infinity;
  for (const tile of tiles) {
    const [column, row] = placed(tile);
    const across = direction === 'left' || direction === 'right';
    const ahead = sign * (across ? column - x : row - y);
    const aside = Math.abs(across ? row - y : column - x);
    if (ahead <= 0) continue;
    const far = ahead + aside * 3;
    if (far < least) [found, least] = [tile.code, far];
  }
  return found;
}
