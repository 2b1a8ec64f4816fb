import { expect, test } from 'vitest';
import { backTo, wrongIn } from './welcome';
import { en } from './words/welcome';

test('signing in leads back into the console and nowhere else', () => {
  expect(backTo('/console/sessions?via=grant')).toBe('/console/sessions?via=grant');
  expect(backTo('/console?zone=UTC')).toBe('/console?zone=UTC');
  for (const foreign of ['//evil.example', 'https://evil.example', '/console//evil.example', '/consoles', '/', '/console/sign-in', null]) {
    expect(backTo(foreign)).toBe('/console');
  }
});

test('what is wrong is said field by field', () => {
  expect(wrongIn({ name: 'Ann', email: 'ann@example.com', password: 'a long enough one' }, en)).toEqual({});
  expect(Object.keys(wrongIn({ name: ' ', email: 'ann', password: 'short' }, en))).toEqual(['name', 'email', 'password']);
});
