// Coming in: the one-time link, signing in.

import type { Shape } from '../../lib/words/shape';

export const en = {
  checking: 'Checking the link…',
  owner_title: 'This cinema is yours',
  owner_text: 'You are the first one here. Choose how you sign in; the link stops working afterwards.',
  invite_title: 'Choose your password',
  invite_text: (role: string) => `You work here as: ${role}. Wherever else you are signed in, you are signed out.`,
  party_text: (party: string) => `This is an account of ${party}: titles, deals and codes of yours, and nobody else’s.`,
  party_text_plain: 'This is an account of a partner: titles, deals and codes of yours, and nobody else’s.',
  valid_until: (when: string) => `The link is valid until ${when}.`,
  name: 'Name',
  name_hint: 'As colleagues see it, and the audit log',
  email: 'Email',
  password: 'Password',
  password_hint: 'At least 8 characters; a few words you can remember are best',
  password_short: 'Use at least 8 characters.',
  name_missing: 'Say what you are called.',
  email_missing: 'Type your email address.',
  password_missing: 'Type your password.',
  email_wrong: 'That is not an email address.',
  enter: 'Come in',

  no_token_title: 'This page needs its one-time link',
  no_token_text: 'The server prints the link when it starts and nobody owns it yet. Copy all of it, with what follows the #. Start it like this for another one:',
  to_sign_in: 'Sign in with a password',

  sign_in: 'Sign in',
  sign_in_title: 'Console',
  signed_out: 'You were signed out. Sign in to go on where you were.',
  lost: 'First time here, or password lost? The owner can make you a one-time link under Settings; the owner’s own is printed by',
  owner_command: 'the command',
  to_storefront: 'To the storefront',
};

export const zh: Shape<typeof en> = {
  checking: '正在验证链接…',
  owner_title: '这座影院归您了',
  owner_text: '您是第一位使用者。请设置登录方式，完成后链接随即失效。',
  invite_title: '设置登录密码',
  invite_text: (role) => `您的角色：${role}。设置后，您在其他设备上的登录都会退出。`,
  party_text: (party) => `这是${party}的账号，可查看贵方的影片、合作与兑换码。`,
  party_text_plain: '这是合作方账号，可查看贵方的影片、合作与兑换码。',
  valid_until: (when) => `链接有效期至 ${when}。`,
  name: '姓名',
  name_hint: '显示给同事，也会写入操作记录',
  email: '邮箱',
  password: '密码',
  password_hint: '至少 8 个字符，建议用几个容易记住的词',
  password_short: '密码至少 8 个字符。',
  name_missing: '请填写姓名。',
  email_missing: '请填写邮箱。',
  password_missing: '请填写密码。',
  email_wrong: '邮箱格式不正确。',
  enter: '进入运营台',

  no_token_title: '请使用完整的一次性链接打开本页',
  no_token_text: '服务器尚无所有者时，启动会打印该链接。请完整复制，包括 # 之后的部分。这样启动可再得到一个：',
  to_sign_in: '用密码登录',

  sign_in: '登录',
  sign_in_title: '运营台',
  signed_out: '您已退出登录。重新登录后会回到刚才的页面。',
  lost: '首次使用或忘记密码？可请所有者在“设置”中为您生成一次性链接；所有者自己的链接由以下命令打印：',
  owner_command: '命令',
  to_storefront: '前往前台',
};
