// What each role finds in the console: all of it to read, and only what it may do to use.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invited, openConsole } from './console_house.js';

export function roles(world) {
  /** The button is there, cannot be pressed, and says why. */
  const refuses = async (button, reason) => {
    await button.waitFor();
    assert.equal(await button.isDisabled(), true);
    assert.match(await button.evaluate((it) => document.getElementById(it.getAttribute('aria-describedby'))?.textContent ?? ''), reason);
  };

  test('finance refunds, and changes nothing else', async () => {
    const { marquee } = world;
    const viewer = await marquee.newViewer();
    const { id } = await marquee.buy(viewer, 'pvod');
    const { session } = await invited(world, 'finance');
    const page = await openConsole(world, '/console/titles', { as: session });
    await refuses(page.getByRole('button', { name: 'New title' }), /look at this/);
    await page.goto(`${marquee.url}/console/titles/${marquee.title('pvod').id}?tab=windows`);
    await refuses(page.getByRole('button', { name: 'Add window' }), /look at this/);
    await page.locator('[role=slider][data-moment]').waitFor();
    assert.equal(await page.locator('[role=slider]:not([data-moment])').count(), 0, 'no edge of a window may be dragged');
    assert.equal(await page.getByRole('link', { name: 'Settings' }).count(), 0);
    await page.goto(`${marquee.url}/console/orders/${id}`);
    await page.getByRole('button', { name: 'Refund', exact: true }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Reason').fill('asked for');
    await dialog.getByRole('button', { name: /^Refund / }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Refunded', { exact: true }).first().waitFor();
    assert.equal((await marquee.operate('GET', `/purchases/${id}`)).status, 'refunded');
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('who may only read reads every page, and can press nothing that changes something', async () => {
    const { marquee } = world;
    const { id } = await marquee.buy(await marquee.newViewer(), 'pvod');
    const { session } = await invited(world, 'read_only');
    const page = await openConsole(world, '/console', { as: session });
    await page.getByRole('heading', { name: 'Gross today' }).waitFor();
    for (const path of ['/orders', '/viewers', '/sessions', '/qoe', '/audit', '/uploads']) {
      await page.goto(`${marquee.url}/console${path}`);
      await page.locator('main h1').waitFor();
      assert.equal(await page.getByRole('alert').filter({ hasText: /\w/ }).count(), 0, `${path} is answered`);
    }
    await page.goto(`${marquee.url}/console/orders/${id}`);
    await refuses(page.getByRole('button', { name: 'Refund', exact: true }), /look at this/);
    await page.goto(`${marquee.url}/console/members`);
    await refuses(page.getByRole('button', { name: 'Give membership' }).first(), /look at this/);
    await page.goto(`${marquee.url}/console/vouchers`);
    await refuses(page.getByRole('button', { name: 'New vouchers' }).first(), /look at this/);
    await page.goto(`${marquee.url}/console/settings`);
    await page.getByText(/Only the owner/).first().waitFor();
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('the owner invites by a link that works once; the last owner stays', async () => {
    const { marquee, browser } = world;
    const page = await openConsole(world, '/console/settings', { expected: [409] });
    await page.getByRole('button', { name: 'Invite' }).click();
    const email = `invited-${crypto.randomUUID()}@example.test`;
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Name').fill('Lin Yue');
    await dialog.getByLabel('Email').fill(email);
    await dialog.locator('input[value=finance]').check();
    await dialog.getByRole('button', { name: 'Invite' }).click();
    const link = /http:\S+welcome#[\w-]+/.exec(await page.locator('dialog[open]', { hasText: 'welcome#' }).innerText())[0];
    await page.keyboard.press('Escape');

    const guest = await openConsole(world, new URL(link).pathname + new URL(link).hash, { as: { cookies: [], origins: [] }, expected: [410] });
    assert.equal(await guest.getByLabel('Email').inputValue(), email);
    await guest.locator('input[type=password]').fill('the password of Lin Yue');
    await guest.getByRole('button', { name: 'Come in' }).click();
    await guest.getByText('Lin Yue').first().waitFor();
    await guest.goto('about:blank');
    await guest.goto(link);
    await guest.getByText('LINK_USED').waitFor({ state: 'attached' });

    await page.reload();
    const row = page.getByRole('row', { name: /owner@example\.test/ });
    await row.getByRole('button').click();
    await page.getByRole('menuitem', { name: 'Disable' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('LAST_OWNER').first().waitFor({ state: 'attached' });
    const { data } = await marquee.operate('GET', '/operators');
    assert.equal(data.find((each) => each.email === 'owner@example.test').disabled_at ?? null, null);
    assert.deepEqual(page.faults, []);
    assert.deepEqual(guest.faults, []);
    await page.context().close();
    await guest.context().close();
  });
}
