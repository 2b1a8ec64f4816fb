// A release night as an operator lives it, from the one-time link to the refund, on a server that was just installed.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openPage, playedBeyond } from './chromium.js';
import { PASSWORD, Wire, every, openConsole, startNew } from './console_house.js';

const FILM = process.env.MARQUEE_TEST_FILM;
const PACKAGED_WITHIN_MS = 400_000;
/** What a person waits for at most before the page has answered. */
const ANSWER_MS = 30_000;

const WORDS = {
  zh: {
    name: '姓名', email: '邮箱', enter: '进入运营台', test_mode: '测试模式', upload: '上传影片', new_title: '新建影片',
    in_zh: '片名 · 中文', in_en: '片名 · 英文', create: '创建草稿', lost: '连接中断，正在自动重试', packaged: '片源已加入影片。',
    windows: '窗口期与定价', add_window: '添加窗口期', add_territory: '添加地区', add: '添加', made_in: '出品地',
    zone: '时区', start: /^开始（/, end: /^停售及停止新增观看（/, conflict: '存在冲突，无法保存',
    cancel: '取消', add_price: '设定票价', price: '票价', member_price: '会员价', set_live: '上线', is_live: '已上线',
    refund: '退款', refund_now: /^退款 /, refunded: '已退款', reason: '原因', reason_asked: '观众申请',
    may_watch: '可以观看', why: '这位观众为什么能看', buy: /购票观看|点播/, sign_up: '注册账号', pay: /^支付 /, use_it: '使用',
    first_frame: /首帧，耗时/, send: '上传', tag: '语言', tag_asked: '请填写语言标签，例如 zh-Hans、en、fr。', beside_ready: /等待影片/,
  },
  en: {
    name: 'Name', email: 'Email', enter: 'Come in', test_mode: 'Test mode', upload: 'Upload a film', new_title: 'New title',
    in_zh: 'Name · Chinese', in_en: 'Name · English', create: 'Create draft', lost: 'Connection lost. Trying again by itself.',
    packaged: 'The film is in the title.', windows: 'Windows and prices', add_window: 'Add window',
    add_territory: 'Add a territory', add: 'Add', made_in: 'Country of origin', save: 'Save', saved: 'Saved', details: 'Details and status', zone: 'Time zone', start: /^Start \(/, end: /^End of sale/,
    conflict: 'This cannot be saved as it is', cancel: 'Cancel',
    add_price: 'Add price', price: 'Price', member_price: 'Member price', set_live: 'Set live', is_live: 'Live',
    refund: 'Refund', refund_now: /^Refund /, refunded: 'Refunded', reason: 'Reason', reason_asked: 'The viewer asked',
    may_watch: 'May watch', why: 'Why this viewer may watch', buy: /^(Buy|Rent|Watch)/, sign_up: 'Create an account', pay: /^Pay /,
    use_it: 'Use it', first_frame: /First picture after/,
  },
};

export function night(world) {
  let house;
  let wire;
  let owner;
  before(async () => {
    house = await startNew();
    wire = await Wire.to(house.url);
  });
  after(async () => {
    await wire?.close();
    await house?.stop();
  });
  const open = (path, options) => openConsole({ browser: world.browser, marquee: house }, path, { as: owner, ...options });

  test('a release night in Chinese: the link, the film, the window, the sale, the viewer, the refund, the books', async () => {
    const words = WORDS.zh;
    const desk = await openPage(world.browser, wire, { locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
    await desk.goto(house.demo.operator_link.replace(house.url, wire.url));
    await desk.getByLabel(words.name).fill('陈影');
    assert.doesNotMatch(desk.url(), /#/, 'the token has left the address bar');
    await desk.getByLabel(words.email).fill('owner@example.test');
    await desk.locator('input[type=password]').fill(PASSWORD);
    await desk.getByRole('button', { name: words.enter }).click();
    await desk.getByText(words.test_mode).first().waitFor();
    owner = await desk.context().storageState();

    await desk.getByRole('link', { name: words.upload }).first().click(); // There is no title yet: it begins with one.
    await makeTitle(desk, words, { zh: '首映之夜', en: 'Opening Night', made_in: '荷兰' });

    // Subtitles in a file of their own go first.
    const beside = desk.locator('.beside');
    const subtitles = { name: 'zh.srt', mimeType: 'text/plain', buffer: Buffer.from('1\n00:00:01,000 --> 00:00:02,000\n你好\n') };
    await beside.locator('input[type=file]').setInputFiles(subtitles);
    await beside.getByRole('button', { name: words.send }).click();
    await beside.getByText(words.tag_asked).waitFor();
    await desk.screenshot({ path: new URL('out/zh-1440-beside.png', import.meta.url).pathname });
    await beside.getByLabel(words.tag).fill('zh-Hans');
    await beside.getByRole('button', { name: words.send }).click();
    await beside.getByText(words.beside_ready).waitFor({ timeout: ANSWER_MS });

    // The connection breaks when a part of the film has left, and comes back: the server says where to go on.
    const film = { bytes: await readFile(FILM), patches: [] };
    desk.on('request', (request) => {
      if (request.method() === 'PATCH') film.patches.push(Number(request.headers()['upload-offset']));
    });
    wire.breakAfter(film.bytes.length / 2);
    await desk.locator('.drop input[type=file]').setInputFiles(FILM);
    await desk.getByText(words.lost).waitFor({ timeout: ANSWER_MS });
    wire.mend();
    const bar = desk.getByRole('progressbar', { name: basename(FILM) });
    await desk.waitForResponse((reply) => reply.request().method() === 'PATCH' && reply.status() === 204, { timeout: ANSWER_MS });
    assert.ok(film.patches.length >= 2 && film.patches[0] === 0, `begun at 0: ${film.patches}`);
    assert.ok(film.patches.at(-1) > 0, `taken up where the server had it: ${film.patches}`);
    desk.faults.length = 0; // The broken connection shows in the console, as it has to.

    // While it is packaged, the window and the price are made.
    await movesOn(desk, bar);
    await desk.getByRole('link', { name: words.windows }).click();
    const days = (n) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10);
    await addWindow(desk, words, { start: `${days(-1)}T00:00`, end: `${days(20)}T00:00` });
    await desk.getByRole('figure').first().waitFor();
    await desk.getByRole('button', { name: words.add_window }).first().click();
    await fillWindow(desk, words, { start: `${days(5)}T00:00`, end: `${days(30)}T00:00` });
    const sheet = desk.locator('dialog[open]');
    await sheet.getByText(words.conflict).waitFor();
    assert.equal(await sheet.locator('[type=submit]').isDisabled(), true, 'a window in conflict is not saved');
    assert.equal((await house.operate('GET', `/titles/${titleId(desk)}/avails`)).data.length, 1);
    await sheet.getByRole('button', { name: words.cancel }).click();
    await sheet.waitFor({ state: 'detached' });
    await addPrice(desk, words, '18', '9');

    await desk.getByRole('tab', { name: '片源' }).or(desk.getByRole('link', { name: '片源', exact: true })).first().click();
    await desk.getByText(words.packaged).first().waitFor({ timeout: PACKAGED_WITHIN_MS });
    const title_id = titleId(desk);
    const [film_id] = (await house.operate('GET', `/titles/${title_id}`)).assets;
    const packaged = JSON.stringify(await house.operate('GET', `/assets/${film_id}`));
    assert.match(packaged, /t-zh-hans|zh-Hans/, 'the subtitles are in the film');
    await goLive(desk, words);

    const hall = await watch(world, house, { locale: 'zh-CN' }, title_id, words);
    await desk.goto(`${wire.url}/console?zone=Asia/Shanghai`);
    await desk.getByText('¥18.00').first().waitFor({ timeout: ANSWER_MS });
    const { board, books } = await boardAndBooks(house, 'Asia/Shanghai');
    assert.deepEqual(board, { gross: 1800, refunds: 0, net: 1800, orders: 1 });
    assert.deepEqual(books, { gross: 1800, refunds: 0, net: 1800, orders: 1 });

    await desk.goto(`${wire.url}/console/sessions`);
    await desk.getByRole('link', { name: hall.viewer.email }).click();
    await desk.getByRole('heading', { name: words.why }).waitFor();
    await desk.getByText(words.may_watch, { exact: true }).waitFor();
    await desk.getByText(words.first_frame).first().waitFor({ timeout: 60_000 });

    await refund(desk, wire, words, hall.viewer.email);
    await hall.page.locator('[data-code=PURCHASE_REFUNDED], [data-code=GRANT_REVOKED], [data-code=SESSION_REVOKED]').first().waitFor({ timeout: ANSWER_MS });
    await hall.page.waitForFunction(() => !(document.querySelector('video')?.paused === false));
    await checkOrder(desk, house);
    const later = await boardAndBooks(house, 'Asia/Shanghai');
    assert.deepEqual(later.board, { gross: 1800, refunds: 1800, net: 0, orders: 1 });
    assert.deepEqual(later.books, later.board);

    await desk.goto(`${wire.url}/console/audit`);
    for (const step of ['使用一次性链接', '新建影片', '上传完成', '新增窗口期', '定价', '修改影片', '订单退款']) {
      await desk.getByRole('cell', { name: step, exact: true }).first().waitFor();
    }
    const audited = (await every(house, '/audit')).map(({ action }) => action);
    for (const action of ['operator.welcome', 'title.create', 'upload.complete', 'avail.create', 'offer.create', 'title.edit', 'purchase.refund']) {
      assert.ok(audited.includes(action), `${action} is in ${audited}`);
    }
    assert.deepEqual(desk.faults, []);
    assert.deepEqual(hall.page.faults, []);
    await desk.context().close();
    await hall.page.context().close();
  });

  test('the same in English on a phone, with the film that is packaged already', async () => {
    const words = WORDS.en;
    const desk = await open('/console/titles', { locale: 'en-GB', viewport: { width: 390, height: 844 } });
    await desk.getByRole('button', { name: words.new_title }).first().click();
    await makeTitle(desk, words, { zh: '第二夜', en: 'Second Night' });
    await desk.getByRole('button', { name: words.use_it }).first().click();
    await desk.getByText(words.packaged).first().waitFor();
    await desk.getByRole('link', { name: words.windows }).click();
    // Nobody has said where it was made, and the window is for China: that is asked for before it has a price.
    await addWindow(desk, words, { start: '2020-01-01T00:00', end: '' }, 'ORIGIN_UNKNOWN');
    await desk.getByRole('link', { name: words.details }).click();
    await desk.getByLabel(words.made_in).fill('NL');
    await desk.getByRole('button', { name: words.save, exact: true }).click();
    await desk.getByText(words.saved, { exact: true }).first().waitFor();
    await desk.getByRole('link', { name: words.windows }).click();
    await addPrice(desk, words, '6.5', '');
    await goLive(desk, words);
    const hall = await watch(world, house, { locale: 'en-GB', viewport: { width: 390, height: 844 } }, titleId(desk), words);
    await desk.goto(`${house.url}/console`);
    await desk.getByText('¥6.50').first().waitFor({ timeout: ANSWER_MS });
    await refund(desk, house, words, hall.viewer.email);
    await hall.page.locator('[data-code=PURCHASE_REFUNDED], [data-code=GRANT_REVOKED], [data-code=SESSION_REVOKED]').first().waitFor({ timeout: ANSWER_MS });
    await checkOrder(desk, house);
    assert.deepEqual(desk.faults, []);
    assert.deepEqual(hall.page.faults, []);
    await desk.context().close();
    await hall.page.context().close();
  });
}

const titleId = (page) => /ttl_\w+/.exec(page.url())[0];

async function makeTitle(desk, words, { zh, en, made_in = '' }) {
  const dialog = desk.locator('dialog[open]');
  await dialog.getByLabel(words.in_zh).fill(zh);
  await dialog.getByLabel(words.in_en).fill(en);
  await dialog.getByLabel(words.made_in).fill(made_in);
  await dialog.getByRole('button', { name: words.create }).click();
  await desk.waitForURL(/\/console\/titles\/ttl_/);
}

async function fillWindow(desk, words, { start, end }) {
  const sheet = desk.locator('dialog[open]');
  await sheet.locator('input[type=radio][value=only]').check();
  await sheet.getByLabel(words.add_territory).fill('CN');
  await sheet.getByRole('button', { name: words.add, exact: true }).click();
  await sheet.getByLabel(words.zone).selectOption('Asia/Shanghai');
  await sheet.getByLabel(words.start).fill(start);
  if (end) await sheet.getByLabel(words.end).fill(end);
}

async function addWindow(desk, words, times, warning = null) {
  await desk.getByRole('button', { name: words.add_window }).last().click();
  await fillWindow(desk, words, times);
  const sheet = desk.locator('dialog[open]');
  if (warning) await sheet.getByText(warning).waitFor();
  await sheet.locator('[type=submit]').click();
  await sheet.waitFor({ state: 'detached' });
}

async function addPrice(desk, words, price, member_price) {
  await desk.getByRole('button', { name: words.add_price }).last().click();
  const sheet = desk.locator('dialog[open]');
  const money = sheet.locator('input[inputmode=decimal]');
  await money.nth(0).fill(price);
  if (member_price) await money.nth(1).fill(member_price);
  await sheet.locator('[type=submit]').click();
  await sheet.waitFor({ state: 'detached' });
}

/** Waits until a bar has left its beginning and is not at its end. */
async function movesOn(desk, bar) {
  const until = Date.now() + PACKAGED_WITHIN_MS;
  for (;;) {
    const value = Number(await bar.getAttribute('aria-valuenow'));
    if (value > 0 && value < 100) return;
    assert.ok(Date.now() < until, `packaging goes on: ${value}`);
    await desk.waitForTimeout(200);
  }
}

async function goLive(desk, words) {
  await desk.locator('.steps').getByRole('button', { name: words.set_live }).click();
  const dialog = desk.locator('dialog[open]');
  await dialog.getByRole('button', { name: words.set_live }).click();
  await dialog.waitFor({ state: 'detached' });
  await desk.locator('main header, main').getByText(words.is_live, { exact: true }).first().waitFor();
}

/** A viewer signs up at the till, buys, and plays. */
async function watch(world, house, options, title_id, words) {
  const viewer = { email: `hall-${crypto.randomUUID()}@example.test`, password: 'a password of a viewer' };
  // The media may be refused before the word of the refund comes.
  const page = await openPage(world.browser, house, { ...options, expected: [401, 403] });
  await page.goto(`${house.url}/title/${title_id}`);
  await page.getByRole('button', { name: words.buy }).first().click();
  const form = page.locator('form#sign-in');
  await form.getByRole('button', { name: words.sign_up }).click();
  await form.locator('[name=email]').fill(viewer.email);
  await form.locator('[name=password]').fill(viewer.password);
  await form.locator('[type=submit]').click();
  await page.getByRole('button', { name: words.pay }).click();
  await page.locator('video').waitFor({ state: 'attached', timeout: ANSWER_MS });
  await playedBeyond(page, 2, 90_000);
  return { page, viewer };
}

async function refund(desk, place, words, email) {
  await desk.goto(`${place.url}/console/orders?q=${encodeURIComponent(email)}`);
  await desk.locator('tr[data-row]').first().click();
  await desk.getByRole('button', { name: words.refund, exact: true }).click();
  const dialog = desk.locator('dialog[open]');
  const reason = dialog.getByLabel(words.reason);
  await reason.first().fill(words.reason_asked);
  await dialog.getByRole('button', { name: words.refund_now }).click();
  await dialog.waitFor({ state: 'detached' });
  await desk.getByText(words.refunded, { exact: true }).first().waitFor();
}

/** The page of the order shows what was taken and what was given back, and both sides of each entry are equal. */
async function checkOrder(desk, house) {
  const id = /pur_\w+/.exec(desk.url())[0];
  const { entries } = await house.operate('GET', `/purchases/${id}`);
  assert.deepEqual(entries.map(({ kind }) => kind), ['purchase', 'refund']);
  for (const { postings } of entries) assert.equal(postings.reduce((sum, { amount }) => sum + amount, 0), 0);
  const shown = await desk.locator('main').innerText();
  for (const { postings, hash } of entries) {
    assert.ok(shown.includes(hash.slice(0, 12)), 'its hash is on the page');
    for (const { account } of postings) assert.ok(shown.includes(account), `${account} is on the page`);
  }
}

/** Today's figures of the board, and the same from every entry of the ledger up to the last that the board knows. */
export async function boardAndBooks(house, zone) {
  const last = (await every(house, '/ledger?limit=100')).at(-1)?.position ?? 0;
  const ask = () => house.operate('GET', `/board?zone=${encodeURIComponent(zone)}&currency=CNY`);
  // A board may be a second old.
  let board = await ask();
  for (let tries = 0; board.ledger_position < last && tries < 60; tries += 1) {
    await setTimeout(250);
    board = await ask();
  }
  const { gross, refunds, net, orders, day_start_at, ledger_position } = board;
  assert.ok(ledger_position >= last, 'the board knows the newest entry');
  const entries = await every(house, '/ledger?limit=100');
  const today = entries.filter(({ at, position }) => at >= day_start_at && position <= ledger_position);
  const taken = (kind) =>
    today
      .filter((entry) => entry.kind === kind)
      .flatMap(({ postings }) => postings)
      .filter(({ amount, currency }) => amount > 0 && currency === 'CNY');
  const sum = (postings) => postings.reduce((all, { amount }) => all + amount, 0);
  const bought = taken('purchase');
  const returned = sum(taken('refund'));
  return {
    board: { gross: gross.value, refunds: refunds.value, net: net.value, orders: orders.value },
    books: { gross: sum(bought), refunds: returned, net: sum(bought) - returned, orders: bought.length },
  };
}
