import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { type KnownProblem, type ProblemCode, problems } from '#contracts/problems.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { HttpServer, Routes } from '#platform/http/server.ts'
import { exampleOf } from './reference/problem-responses.ts'

/** A page for every problem code: `type` of a problem is its address. */
export const problemPages: Routes = app => {
  app.get('/problems', { schema: { hide: true } }, (_request, reply) => sendPage(reply, listPage()))
  app.get<{ Params: { code: string } }>('/problems/:code', { schema: { hide: true } }, (request, reply) => {
    const code = request.params.code as ProblemCode
    if (!Object.hasOwn(problems, code)) return sendProblem(request, reply, 'not-found')
    return sendPage(reply, problemPage(code, app))
  })
}

type Page = { title: string; body: string }

function listPage(): Page {
  const codes = Object.keys(problems) as ProblemCode[]
  const byStatus = Map.groupBy(codes, code => problems[code].status)
  const groups = Array.from(byStatus).sort(([one], [other]) => one - other)
  return {
    title: 'Problems',
    body: `<h1>Problems</h1>
<p>Every way in which the API says no. A program looks at <code>code</code>, a person reads <code>detail</code>, and
<code>request_id</code> finds it in the log.</p>
${groups.map(([status, listed]) => group(status, listed)).join('\n')}`,
  }
}

function group(status: number, codes: ProblemCode[]): string {
  const entries = codes.map(
    code => `<li><a href="/problems/${code}"><code>${code}</code><span>${inline(problems[code].title)}</span></a></li>`,
  )
  return `<section><h2><b class="s${String(status)[0]}">${status}</b> ${STATUS_CODES[status]}</h2><ul>${entries.join('')}</ul></section>`
}

function problemPage(code: ProblemCode, app: HttpServer): Page {
  const { status, title, advice }: KnownProblem = problems[code]
  const example = JSON.stringify(exampleOf(code, app.publicUrl()), null, 2)
  return {
    title,
    body: `<p class="way"><a href="/problems">Problems</a></p>
<h1>${inline(title)}</h1>
<p class="what"><b class="s${String(status)[0]}">${status}</b> <code>${code}</code></p>
<p class="advice">${inline(advice)}</p>
<h2>How it looks</h2>
<pre tabindex="0"><code>${escaped(example)}</code></pre>
${retryNote(status)}`,
  }
}

/** What a program may do, where the status alone tells it. */
function retryNote(status: number): string {
  if (status === 503 || status === 429)
    return '<p>Wait as long as the header <code>Retry-After</code> says, then send the same request again.</p>'
  if (status === 500)
    return '<p>What became of the request is not known. With its <code>Idempotency-Key</code> it is safe to send again.</p>'
  return '<p>Sending the same request again changes nothing until what it asks for has changed.</p>'
}

function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('Cache-Control', 'public, max-age=3600')
    .header('Content-Security-Policy', policy)
    .send(htmlOf(page))
}

function htmlOf({ title, body }: Page): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · Holdfast</title><style>${style}</style></head>
<body><main>${body}</main><footer><a href="/docs">API reference</a></footer></body></html>`
}

/** Text with \`code\` in it. */
function inline(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

const style = `:root{color-scheme:light dark;--ink:light-dark(#1c1e21,#e8e6e3);--soft:light-dark(#5c6370,#a3a8b0);--line:light-dark(#e3e5e8,#33373d);--paper:light-dark(#fff,#16181b);--sheet:light-dark(#f6f7f8,#1e2125);--link:light-dark(#0b57b7,#8ab8ff)}
*{box-sizing:border-box}
body{font:17px/1.6 system-ui,sans-serif;margin:0;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
main,footer{max-width:44rem;margin:0 auto;padding:0 1.25rem}
main{padding-top:clamp(2rem,9vh,6rem)}
footer{padding-block:2.5rem;font-size:.9rem}
h1{font-size:clamp(1.5rem,1.2rem + 1.8vw,2.1rem);line-height:1.2;letter-spacing:-.015em;margin:.2em 0 .5em;text-wrap:balance}
h2{font-size:1rem;margin:2.4em 0 .6em}
a{color:var(--link);text-underline-offset:.2em}
code{font-size:.88em;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
p code,h1 code{background:var(--sheet);border:1px solid var(--line);border-radius:.35em;padding:.08em .35em}
b{font:600 .82rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;border-radius:.4em;padding:.3em .5em;margin-right:.35em;display:inline-block}
.s4{color:light-dark(#7a4a00,#ffcf8a);background:light-dark(#fff0d6,#3a2c14)}
.s5{color:light-dark(#8f1d1d,#ffb3b3);background:light-dark(#fde6e6,#3d1b1b)}
.way{margin:0;font-size:.95rem}.what{color:var(--soft);margin:0 0 1.6em}.advice{font-size:1.15rem}
pre{line-height:1.45;background:var(--sheet);border:1px solid var(--line);border-radius:.6rem;padding:clamp(.8rem,3vw,1.15rem);white-space:pre-wrap;margin:0 0 1.4em}
ul{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
li a{display:grid;grid-template-columns:15.5rem 1fr;gap:.1rem 1rem;padding:.55rem .25rem;border-bottom:1px solid var(--line);text-decoration:none;align-items:baseline}
li a:hover{background:var(--sheet)}li a:hover code{text-decoration:underline}li span{color:var(--ink)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:.2rem}
@media(max-width:36rem){body{font-size:16px}li a{grid-template-columns:1fr}li span{color:var(--soft)}}`

const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`
