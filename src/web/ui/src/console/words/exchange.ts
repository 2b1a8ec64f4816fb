// Release plans exchanged as Avails documents.

import type { Shape } from '../../lib/words/shape';

export const en = {
  exchange: 'Avails document',
  intro: 'All windows of the title as a MovieLabs Avails file (XML, v2.7), for partners and distributors.',
  download: 'Download',
  choose: 'Take over a file…',
  too_large: 'A file has at most 4 MB.',
  preview: 'What the file changes',
  none: 'Nothing: the windows are as the file says.',
  new: 'New',
  moved: 'Moved',
  removed: 'Removed',
  stay: (windows: string) => `Stay as they are: ${windows}`,
  span: (from: string, to: string) => `${from} to ${to}`,
  span_open: (from: string) => `from ${from}`,
  prices: (offers: string) => `Prices that go with them: ${offers}`,
  notes: 'Read, and not kept',
  whole: 'A “Full Extract” is the whole plan: windows that it does not name are removed.',
  apply: 'Take over',
  cancel: 'Cancel',
  applied: 'The plan is as the file says.',
};

export const zh: Shape<typeof en> = {
  exchange: 'Avails 文件',
  intro: '以 MovieLabs Avails 文件（XML，v2.7）表示的全部窗口期，用于与合作平台和发行方交换。',
  download: '下载',
  choose: '导入文件…',
  too_large: '文件不得超过 4 MB。',
  preview: '该文件带来的更改',
  none: '无更改：窗口期已与文件一致。',
  new: '新增',
  moved: '调整',
  removed: '移除',
  stay: (windows) => `保持不变：${windows}`,
  span: (from, to) => `${from} 至 ${to}`,
  span_open: (from) => `自 ${from} 起`,
  prices: (offers) => `随之取消的票价：${offers} 个`,
  notes: '已读取但不保留',
  whole: '“Full Extract”即完整计划：文件未列出的窗口期将被移除。',
  apply: '确认导入',
  cancel: '取消',
  applied: '排期已与文件一致。',
};
