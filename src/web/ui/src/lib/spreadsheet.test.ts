import { expect, test } from 'vitest';
import { csvOf, safeText } from './spreadsheet';

test.each(['=1+1', '+86 10', '-1', '@SUM(A1)', '\t=1', '\r=1'])('%j cannot be a formula', (text) => {
  expect(safeText(text)).toBe(`'${text}`);
});

test('numbers stay numbers, and quotes are doubled', () => {
  const rows = [[-5, 'a "b", c', null, true, new Date('2026-12-01T00:00:00Z')], [1.5, '=cmd()', '流浪地球', false, null]];
  expect(csvOf({ head: ['n', 't', 'x', 'b', 'd'], rows })).toBe(
    'n,t,x,b,d\r\n-5,"a ""b"", c",,true,2026-12-01T00:00:00.000Z\r\n1.5,\'=cmd(),流浪地球,false,\r\n',
  );
});
