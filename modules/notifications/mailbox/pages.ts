import { createHash } from 'node:crypto'
import type { StoredMail } from '../ports.ts'
import { escaped } from '../templates/escaped.ts'

const home = '/sandbox/mailbox'

export function listPage({
  mails,
  hasMore,
  isFirst,
}: {
  mails: StoredMail[]
  hasMore: boolean
  isFirst: boolean
}): string {
  const last = mails.at(-1)
  const body =
    mails.length === 0 && isFirst
      ? emptyState
      : `<p class="soft">Nothing here was sent to anybody. With <code>SMTP_URL</code> set, mails go out instead.</p>
<ul>${mails.map(entry).join('')}</ul>
<nav>${isFirst ? '' : `<a href="${home}">Newest</a>`}${hasMore && last ? `<a rel="next" href="${home}?before=${last.mailId}">Older</a>` : ''}</nav>`
  return pageOf('Mailbox', `<h1>Mailbox</h1>${body}`)
}

function entry(mail: StoredMail): string {
  const clip = mail.attachments.length > 0 ? ` <span class="soft">(${attachmentCount(mail)})</span>` : ''
  return `<li><a href="${home}/${mail.mailId}"><strong>${escaped(mail.subject)}</strong>
<span class="soft">To ${escaped(recipient(mail))}${clip}</span>${time(mail)}</a></li>`
}

export function mailPage(mail: StoredMail): string {
  const files = mail.attachments.map(
    ({ filename, content }, number) =>
      `<li><a download href="${home}/${mail.mailId}/attachments/${number}"><strong>${escaped(filename)}</strong><span class="soft">${sizeOf(content)}</span></a></li>`,
  )
  return pageOf(
    mail.subject,
    `<nav><a href="${home}">Mailbox</a></nav>
<h1>${escaped(mail.subject)}</h1>
<p class="soft">To ${escaped(recipient(mail))}<br>${time(mail)}</p>
${files.length > 0 ? `<h2>Attached</h2><ul>${files.join('')}</ul>` : ''}
<h2>As HTML</h2>
<iframe sandbox="" title="The mail as HTML" src="${home}/${mail.mailId}/html"></iframe>
<h2>As plain text</h2>
<p class="soft">Links work here; in the frame above they do not.</p>
<pre tabindex="0">${withLinks(mail.text)}</pre>
<nav><a download href="${home}/${mail.mailId}/raw">Download as .eml</a></nav>`,
  )
}

const emptyState = `<div class="empty"><h2>No mail yet</h2>
<p>Mails to buyers land here, because no mail server is set. Buy a ticket, and a few seconds later its mail appears.</p>
<p class="soft">To send mails for real, set <code>SMTP_URL</code> and <code>HOLDFAST_MAIL_FROM</code>.</p></div>`

function recipient({ to }: StoredMail): string {
  return to.name === '' ? to.address : `${to.name}, ${to.address}`
}

function attachmentCount({ attachments }: StoredMail): string {
  return attachments.length === 1 ? '1 attachment' : `${attachments.length} attachments`
}

function time({ sentAt }: StoredMail): string {
  const iso = new Date(sentAt).toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`
}

function sizeOf({ length }: Buffer): string {
  return length < 1024 ? `${length} bytes` : `${Math.ceil(length / 1024)} KB`
}

function withLinks(text: string): string {
  return text
    .split(/(https?:\/\/[^\s<>"']+)/)
    .map((piece, i) =>
      i % 2 === 1 ? `<a rel="noreferrer" href="${escaped(piece)}">${escaped(piece)}</a>` : escaped(piece),
    )
    .join('')
}

function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · Holdfast</title><style>${style}</style></head>
<body><main>${body}</main></body></html>`
}

const style = `:root{color-scheme:light dark;--ink:light-dark(#1c1e21,#e8e6e3);--soft:light-dark(#5c6370,#a3a8b0);--line:light-dark(#e3e5e8,#33373d);--paper:light-dark(#fff,#16181b);--sheet:light-dark(#f6f7f8,#1e2125);--link:light-dark(#0b57b7,#8ab8ff)}
*{box-sizing:border-box}
body{font:17px/1.55 system-ui,sans-serif;margin:0;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
main{max-width:46rem;margin:0 auto;padding:clamp(1.25rem,6vh,4rem) 1.25rem 3rem}
h1{font-size:clamp(1.4rem,1.2rem + 1.4vw,2rem);line-height:1.2;letter-spacing:-.015em;margin:.2em 0 .5em;text-wrap:balance}
h2{font-size:1rem;margin:2em 0 .6em}
a{color:var(--link);text-underline-offset:.2em}
code,pre{font:.88em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--sheet);border:1px solid var(--line);border-radius:.6rem;padding:1rem;white-space:pre-wrap;margin:0 0 1.4em}
.soft,time{color:var(--soft);font-size:.92rem}
ul{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
li a{display:grid;grid-template-columns:1fr auto;gap:.1rem 1rem;padding:.8rem .25rem;border-bottom:1px solid var(--line);color:inherit;text-decoration:none}
li strong{grid-column:1/-1;color:var(--link)}li a:hover{background:var(--sheet)}li a:hover strong{text-decoration:underline}
nav{display:flex;gap:1.5rem;margin:.5rem 0}nav a{padding:.65rem 0}
iframe{display:block;width:100%;height:min(46rem,85vh);border:1px solid var(--line);border-radius:.6rem}
.empty{background:var(--sheet);border:1px solid var(--line);border-radius:.8rem;padding:1.5rem;margin-top:1.5rem}.empty h2{margin-top:0}.empty p:last-child{margin-bottom:0}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:.2rem}
@media(max-width:36rem){body{font-size:16px}li a{grid-template-columns:1fr}}`

const styleHash = createHash('sha256').update(style).digest('base64')

/** Of the pages, and of a mail's HTML: a stranger's text, even if our templates wrote it, so it may show and nothing else. */
export const policies = {
  page: `default-src 'none'; style-src 'sha256-${styleHash}'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  mail: `sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`,
}
