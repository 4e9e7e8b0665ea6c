import { type ProblemCode, problems } from '#contracts/problems.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'

/** A page for every problem code: `type` of a problem is its address. */
export const problemPages: Routes = app => {
  app.get('/problems', { schema: { hide: true } }, (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('Cache-Control', 'public, max-age=3600')
      .send(
        page(
          'Problems',
          `<p>Every refusal of the API, by code.</p><ul>${(Object.keys(problems) as ProblemCode[]).map(code => `<li><a href="/problems/${code}"><code>${code}</code></a> (${problems[code].status}): ${problems[code].title}</li>`).join('')}</ul>`,
        ),
      ),
  )
  app.get<{ Params: { code: string } }>('/problems/:code', { schema: { hide: true } }, (request, reply) => {
    const code = request.params.code as ProblemCode
    if (!Object.hasOwn(problems, code)) return sendProblem(request, reply, 'not-found')
    const { status, title, advice } = problems[code]
    return reply
      .type('text/html; charset=utf-8')
      .header('Cache-Control', 'public, max-age=3600')
      .send(
        page(
          title,
          `<p><code>${code}</code>, HTTP ${status}</p><p>${inlineCode(advice)}</p><p><a href="/problems">All problems</a> · <a href="/docs">API reference</a></p>`,
        ),
      )
  })
}

function inlineCode(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} · Holdfast</title>
<style>:root{color-scheme:light dark}body{font:17px/1.6 system-ui,sans-serif;max-width:42rem;margin:10vh auto;padding:0 1.25rem}h1{font-size:1.6rem;line-height:1.25}code{font-size:.92em;background:color-mix(in srgb,currentColor 9%,transparent);padding:.1em .35em;border-radius:.3em}li{margin:.35rem 0}</style>
</head><body><main><h1>${title}</h1>${body}</main></body></html>`
}
