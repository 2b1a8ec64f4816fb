import { expect, test } from 'vitest';
import { campaignOf, withCampaign } from './campaign';

test('a campaign is a plain word of the address, or the one before', () => {
  expect(campaignOf('?campaign=spring-27&x=1', null)).toBe('spring-27');
  expect(campaignOf('?campaign=a%20b', 'kept')).toBe('kept');
  expect(campaignOf('', null)).toBeNull();
  expect(campaignOf(`?campaign=${'x'.repeat(65)}`, null)).toBeNull();
});

test('it goes on with a link', () => {
  expect(withCampaign('/go', 'spring')).toBe('/go?campaign=spring');
  expect(withCampaign('/go?a=1', 'spring')).toBe('/go?a=1&campaign=spring');
  expect(withCampaign('/go', null)).toBe('/go');
});
