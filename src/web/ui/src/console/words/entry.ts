// What the entries of forms say: money, instants, territories, texts in two languages.

import type { Shape } from '../../lib/words/shape';

export const en = {
  with_unit: (label: string, unit: string) => `${label} (${unit})`,
  money_empty: 'Enter an amount.',
  money_not_money: 'This is not an amount of money. Write it like 18 or 18.00.',
  money_too_fine: (digits: string) => `At most ${digits} digits after the point.`,
  money_not_positive: 'The amount has to be more than nothing.',
  money_too_much: 'No film costs this much. Check the amount.',

  instant_empty: 'Choose a date and a time.',
  instant_not_a_time: 'This is not a date and a time.',
  instant_skipped: 'The clocks go forward over this time; it does not exist in this zone.',
  instant_twice: 'The clocks go back that night and this time comes twice. The first one counts.',
  instant_is: (utc: string) => `= ${utc}`,
  instant_yours: (local: string) => `your clock: ${local}`,
  zone: 'Time zone',
  zone_hint: 'Every time in this form is in this zone.',

  territories: 'Territories',
  territories_world: 'The whole world',
  territories_only: 'Only these',
  territories_except: 'The world except these',
  territory_add: 'Add a territory',
  territory_placeholder: 'CN, HK or a name',
  territory_unknown: (text: string) => `“${text}” is not a country or territory. Use its name or two-letter code.`,
  territory_none: 'Name at least one territory.',
  territory_remove: (name: string) => `Remove ${name}`,
  world: 'Worldwide',
  world_except: (names: string) => `Worldwide except ${names}`,
  and_more: (names: string, count: string) => `${names} and ${count} more`,

  in_zh: 'Chinese',
  in_en: 'English',

  reason: 'Reason',
  reason_hint: 'Kept in the audit log. Viewers do not see it.',
  reason_empty: 'Say why, in a few words.',
  save: 'Save',
  saved: 'Saved',
  add: 'Add',
  optional: 'optional',
};

export const zh: Shape<typeof en> = {
  with_unit: (label, unit) => `${label}（${unit}）`,
  money_empty: '请填写金额。',
  money_not_money: '金额格式不正确，请写成 18 或 18.00。',
  money_too_fine: (digits) => `最多保留 ${digits} 位小数。`,
  money_not_positive: '金额须大于 0。',
  money_too_much: '金额过大，请核对。',

  instant_empty: '请选择日期和时间。',
  instant_not_a_time: '日期时间格式不正确。',
  instant_skipped: '该时区当晚拨快时钟，这个时间不存在。',
  instant_twice: '该时区当晚拨慢时钟，这个时间会出现两次，以第一次为准。',
  instant_is: (utc) => `= ${utc}`,
  instant_yours: (local) => `您的本地时间：${local}`,
  zone: '时区',
  zone_hint: '本表单中的时间均以此时区为准。',

  territories: '地区',
  territories_world: '全球',
  territories_only: '仅限以下地区',
  territories_except: '全球，以下地区除外',
  territory_add: '添加地区',
  territory_placeholder: '输入名称或两位代码，如 CN',
  territory_unknown: (text) => `没有“${text}”这个国家或地区，请输入名称或两位代码。`,
  territory_none: '请至少填写一个地区。',
  territory_remove: (name) => `移除${name}`,
  world: '全球',
  world_except: (names) => `全球（${names}除外）`,
  and_more: (names, count) => `${names}等 ${count} 个地区`,

  in_zh: '中文',
  in_en: '英文',

  reason: '原因',
  reason_hint: '会写入操作记录，观众看不到。',
  reason_empty: '请简要填写原因。',
  save: '保存',
  saved: '已保存',
  add: '添加',
  optional: '选填',
};
