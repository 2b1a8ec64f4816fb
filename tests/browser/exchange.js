// The release plan as an Avails document: downloaded from the console, changed as a distributor would, and taken over.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { close } from './chromium.js';
import { openConsole } from './console_house.js';
import { picture } from './looks.js';

const WORDS = {
  'en-GB': {
    download: 'Download', moved: 'Moved', removed: 'Removed', notes: 'Read, and not kept', apply: 'Take over',
    applied: 'The plan is as the file says.', none: /^Nothing: the windows/, cancel: 'Cancel', width: 390, colorScheme: 'dark',
  },
  'zh-CN': {
    download: '下载', moved: '调整', removed: '移除', notes: '已读取但不保留', apply: '确认导入',
    applied: '排期已与文件一致。', none: /^无更改/, cancel: '取消', width: 1440, colorScheme: 'light',
  },
};

export function exchange(world) {
  for (const [locale, words] of Object.entries(WORDS)) {
    test(`a plan goes out as an Avails document and comes back changed (${locale})`, async () => {
      const { marquee } = world;
      const { assets } = await marquee.operate('GET', `/titles/${marquee.title('pvod').id}`);
      const title = await marquee.operate('POST', '/titles', { name: { en: 'Last Ferry' }, assets, status: 'live', country: 'NL' });
      const there = { territories: { include: ['DE', 'FR'], exclude: [] } };
      await marquee.newAvail(title.id, { ...there, start_at: '2037-04-01T22:00:00Z', end_at: '2037-05-01T22:00:00Z', zone: 'Europe/Berlin' });
      await marquee.newAvail(title.id, { ...there, license_type: 'svod', description: null, start_at: '2037-05-01T22:00:00Z', end_at: null, zone: 'Europe/Berlin' });
      const viewport = { width: words.width, height: 1000 };
      const look = { locale, viewport, colorScheme: words.colorScheme, expected: [422] };
      const page = await openConsole(world, `/console/titles/${title.id}?tab=windows`, look);
      const panel = page.locator('[data-exchange]');
      await panel.scrollIntoViewIfNeeded();
      const downloading = page.waitForEvent('download');
      await panel.getByRole('link', { name: words.download }).click();
      const document = await readFile(await (await downloading).path(), 'utf8');
      assert.match(document, /<avails:Start>2037-04-02T00:00:00\+02:00<\/avails:Start>/);
      const choose = (text) => panel.locator('input[type=file]').setInputFiles({ name: 'plan.xml', mimeType: 'text/xml', buffer: Buffer.from(text) });

      const dialog = page.locator('dialog[open]');
      await choose(document);
      await dialog.getByText(words.none).waitFor();
      await dialog.getByRole('button', { name: words.cancel }).click();
      await choose(document.slice(0, 700));
      await panel.getByText('AVAILS_INVALID').waitFor();
      await picture(page, `exchange-refused-${locale}`, { whole: false });

      // The premiere is a week later, members get nothing, and the distributor writes a price.
      const svod = document.lastIndexOf('<avails:Transaction ');
      const changed = `${document.slice(0, svod)}</avails:Avail></avails:AvailList>`
        .replace('2037-04-02T00:00:00', '2037-04-09T00:00:00')
        .replace('<avails:Term termName="marquee:zone">', '<avails:Term termName="SRP"><avails:Money currency="EUR">4.99</avails:Money></avails:Term>$&');
      await choose(changed);
      for (const text of [words.moved, words.removed, words.notes]) await dialog.getByText(text, { exact: true }).waitFor();
      await dialog.evaluate((box) => Promise.all(box.getAnimations().map((one) => one.finished)));
      await picture(page, `exchange-${locale}`, { whole: false });
      await dialog.getByRole('button', { name: words.apply }).click();
      await page.getByText(words.applied).first().waitFor();
      const { data } = await marquee.operate('GET', `/titles/${title.id}/avails`);
      assert.deepEqual(data.map((avail) => [avail.license_type, avail.start_at]), [['vod', '2037-04-08T22:00:00.000Z']]);
      await close(page);
      await marquee.operate('PATCH', `/titles/${title.id}`, { status: 'withdrawn' });
    });
  }
}
