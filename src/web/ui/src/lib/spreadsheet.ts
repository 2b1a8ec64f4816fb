// Rows as a file for a spreadsheet. A text that a spreadsheet would take for a formula is made a text again.

export type Cell = string | number | boolean | Date | null;

export interface Sheet {
  /** Without the ending. */
  name: string;
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** OWASP, “CSV injection”: these begin a formula, or bring one back after the import trims. */
const RISKY = /^[=+\-@\t\r\n]/;

export function safeText(text: string): string {
  return RISKY.test(text) ? `'${text}` : text;
}

/** RFC 4180. */
export function csvOf({ head, rows }: Pick<Sheet, 'head' | 'rows'>): string {
  const field = (cell: Cell): string => {
    if (cell === null) return '';
    if (cell instanceof Date) return cell.toISOString();
    if (typeof cell !== 'string') return String(cell);
    const text = safeText(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

export function saveCsv(sheet: Sheet): void {
  // Excel reads UTF-8 only behind a byte order mark.
  save(new Blob(['\ufeff', csvOf(sheet)], { type: 'text/csv;charset=utf-8' }), `${sheet.name}.csv`);
}

export async function saveXlsx(sheet: Sheet): Promise<void> {
  const { default: writeXlsx } = await import('write-excel-file/universal');
  const cell = (value: Cell) => {
    if (typeof value === 'string') return { value: safeText(value), type: String };
    // Excel knows no zones: the instant stays a text that names its own.
    return value instanceof Date ? { value: value.toISOString(), type: String } : value;
  };
  const head = sheet.head.map((text) => ({ value: safeText(text), type: String, fontWeight: 'bold' as const }));
  const blob = await writeXlsx([head, ...sheet.rows.map((row) => row.map(cell))], { stickyRowsCount: 1 }).toBlob();
  save(blob, `${sheet.name}.xlsx`);
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  // The download has its own hold on the data once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
