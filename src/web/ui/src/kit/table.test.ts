import { expect, test } from 'vitest';
import { sorted, type Column } from './table';

interface Row {
  name: string;
  gross: number | null;
}
const columns: Column<Row>[] = [
  { key: 'name', label: 'Name', value: (row) => row.name },
  { key: 'gross', label: 'Gross', value: (row) => row.gross },
];
const rows: Row[] = [
  { name: 'Part 10', gross: 5 },
  { name: 'Part 2', gross: null },
  { name: 'Part 1', gross: 40 },
];
const names = (key: string, way: 'ascending' | 'descending') =>
  sorted(rows, columns, { key, way }, 'en').map((row) => row.name);

test('numbers sort as numbers, in texts too, and what is not known stands last', () => {
  expect(names('name', 'ascending')).toEqual(['Part 1', 'Part 2', 'Part 10']);
  expect(names('gross', 'ascending')).toEqual(['Part 10', 'Part 1', 'Part 2']);
  expect(names('gross', 'descending')).toEqual(['Part 1', 'Part 10', 'Part 2']);
  expect(sorted(rows, columns, null, 'en')).toEqual(rows);
});
