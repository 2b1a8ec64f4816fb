import { expect, test } from 'vitest';
import { resumeIn } from './resume';

function storage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}

test('a position is kept by title', () => {
  const resume = resumeIn(storage());
  resume.write('ttl_1', 600, 6000);
  expect(resume.read('ttl_1')).toBe(600);
  expect(resume.read('ttl_2')).toBe(null);
});

test.each([
  ['in the last twentieth', 5700],
  ['at the end', 6000],
  ['in the first seconds', 2],
])('a position %s is not kept, and the one before it is forgotten', (_, at_s) => {
  const resume = resumeIn(storage());
  resume.write('ttl_1', 600, 6000);
  resume.write('ttl_1', at_s, 6000);
  expect(resume.read('ttl_1')).toBe(null);
});

test('a length that is not known changes nothing', () => {
  const resume = resumeIn(storage());
  resume.write('ttl_1', 600, 6000);
  resume.write('ttl_1', 700, Number.NaN);
  resume.write('ttl_1', 700, Number.POSITIVE_INFINITY);
  expect(resume.read('ttl_1')).toBe(600);
});

test('what is not a number is not a position', () => {
  const broken = storage();
  broken.setItem('marquee.resume.ttl_1', 'soon');
  expect(resumeIn(broken).read('ttl_1')).toBe(null);
});
