// Series and their seasons.

import type { Shape } from '../../lib/words/shape';

export const en = {
  series: 'Series',
  intro: 'A season is a title of its own, with its own licence, windows and prices. A series holds its seasons together, on the storefront too.',
  new_series: 'New series',
  edit_series: 'Edit series',
  edit: 'Edit',
  none: 'No series yet',
  none_text: 'Make one, then say on the page of each title, under Details, which season of it the title is.',
  col_name: 'Name',
  col_seasons: 'Seasons',
  season: (number: number, name: string) => `${number}. ${name}`,
  no_seasons: 'None yet',
  name: 'Name',
  name_missing: 'Give it a name in at least one language.',
  synopsis: 'Synopsis',
  saved: 'The series is saved.',
  delete: 'Delete series',
  deleted: 'The series is gone.',
  in_use: 'It can be deleted once no title is a season of it.',
  reload_theirs: 'Load the newer version',

  of_series: 'Season of a series',
  no_series: 'Not a season',
  number: 'Season',
  number_wrong: 'A whole number from 1 to 999.',
};

export const zh: Shape<typeof en> = {
  series: '剧集系列',
  intro: '每一季都是独立的影片，有各自的许可、窗口期和定价；系列把各季归在一起，前台同样如此。',
  new_series: '新建系列',
  edit_series: '编辑系列',
  edit: '编辑',
  none: '还没有系列',
  none_text: '先新建系列，再到各影片的“资料”中填写它是第几季。',
  col_name: '名称',
  col_seasons: '各季',
  season: (number, name) => `${number}. ${name}`,
  no_seasons: '暂无',
  name: '名称',
  name_missing: '请至少填写一种语言的名称。',
  synopsis: '简介',
  saved: '系列已保存。',
  delete: '删除系列',
  deleted: '系列已删除。',
  in_use: '没有影片归属该系列时方可删除。',
  reload_theirs: '载入最新版本',

  of_series: '所属系列',
  no_series: '不属于任何系列',
  number: '第几季',
  number_wrong: '请填写 1 至 999 的整数。',
};
