// One's own account: the name, the password, and the devices that are signed in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cameIn, close, openPage, signIn } from './chromium.js';

export function account(world) {
  for (const [locale, words] of Object.entries({
    'en-GB': { save: 'Save', change: 'Change the password', sign_out: 'Sign out', this_device: 'This device', device: 'Chrome' },
    'zh-CN': { save: '保存', change: '修改密码', sign_out: '退出登录', this_device: '本设备', device: 'Chrome' },
  })) {
    test(`${locale}: a name is kept, another device is signed out, and a new password ends every other sign-in`, async () => {
      const { marquee, browser } = world;
      const viewer = await marquee.newViewer();
      const page = await openPage(browser, marquee, { locale, expected: [403] });
      await cameIn(page, marquee, viewer);
      const phone = await openPage(browser, marquee, { locale, viewport: { width: 390, height: 844 } });
      await signIn(phone, marquee, viewer);

      await page.goto(`${marquee.url}/account`);
      const devices = page.locator('[data-sign-in]');
      await devices.nth(1).waitFor();
      assert.equal(await devices.filter({ hasText: words.this_device }).count(), 1);
      const other = devices.filter({ hasNotText: words.this_device });
      assert.match(await other.innerText(), new RegExp(words.device));

      await page.locator('[name=display_name]').fill('Lin 林');
      await page.getByRole('button', { name: words.save, exact: true }).click();
      await page.locator('[data-signed-in]').filter({ hasText: 'Lin 林' }).waitFor();

      await other.getByRole('button', { name: words.sign_out }).click();
      await other.waitFor({ state: 'detached' });
      await phone.goto(`${marquee.url}/account`);
      await phone.locator('form#sign-in').waitFor();
      await signIn(phone, marquee, viewer);

      await page.locator('[name=current]').fill('not the password');
      await page.locator('[name=new]').fill('another password');
      await page.getByRole('button', { name: words.change }).click();
      await page.locator('[role=alert][data-code=PASSWORD_WRONG]').waitFor();
      await page.locator('[name=current]').fill(viewer.password);
      await page.getByRole('button', { name: words.change }).click();
      await page.waitForFunction(() => document.querySelector('[name=current]').value === '');
      assert.equal(await page.locator('[role=alert]').count(), 0);
      await page.reload();
      await devices.first().waitFor();
      assert.equal(await devices.count(), 1, 'this sign-in stays, and is the only one');
      await phone.goto(`${marquee.url}/account`);
      await phone.locator('form#sign-in').waitFor();
      await signIn(phone, marquee, { ...viewer, password: 'another password' });
      await close(phone);
      await close(page);
    });
  }

  test('the language is switched without a reload, and kept', async () => {
    const { marquee, browser } = world;
    const page = await openPage(browser, marquee);
    await page.goto(`${marquee.url}/redeem`);
    await page.getByRole('heading', { name: 'Redeem a code' }).waitFor();
    await page.evaluate(() => (window.sameDocument = true));
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('heading', { name: '兑换观影码' }).waitFor();
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
    await page.reload();
    await page.getByRole('heading', { name: '兑换观影码' }).waitFor();
    await close(page);
  });
}
