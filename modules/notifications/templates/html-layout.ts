import { escaped } from './escaped.ts'
import type { Sheet } from './render-mail.ts'

/**
 * One column that any mail program can show. Styles stand at the elements, because several programs drop style sheets; what is in
 * the sheet only turns the colours around where the reader's programs are dark. No picture, nothing fetched, nobody watched.
 */
export function htmlOf(sheet: Sheet): string {
  const { event, action, house } = sheet
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escaped(sheet.subject)}</title>
<style>${darkStyle}</style>
</head>
<body class="paper" style="margin:0;padding:0;background:#f3f4f6">
<div style="display:none;max-height:0;overflow:hidden">${escaped(sheet.what)}</div>
<div role="article" aria-roledescription="email" lang="en" style="max-width:560px;margin:0 auto;padding:24px 12px;font:16px/1.55 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<p class="soft" style="margin:0 0 12px;padding:0 12px;font-size:14px;font-weight:600;color:#5c6370">${escaped(house.name)}</p>
<div class="sheet" style="background:#ffffff;border-radius:14px;padding:28px 24px;color:#1c1e21">
<h1 style="margin:0 0 16px;font-size:25px;line-height:1.25">${escaped(sheet.title)}</h1>
<p style="margin:0 0 12px">${escaped(sheet.greeting)}</p>
<p style="margin:0 0 20px">${escaped(sheet.what)}</p>
<div class="box" style="background:#f3f4f6;border-radius:10px;padding:14px 16px;margin:0 0 20px">
<p style="margin:0;font-weight:700">${escaped(event.name)}</p>
<p style="margin:2px 0 0">${escaped(event.when)}</p>
<p class="soft" style="margin:2px 0 0;color:#5c6370">${escaped(event.where)}</p>
</div>
${placesOf(sheet)}${said('Your money', sheet.money)}${said('Your seats', sheet.seats)}${said('What to do', sheet.next)}
<p style="margin:24px 0 4px"><a class="button" href="${escaped(action.url)}" style="display:inline-block;background:#1b4dd1;color:#ffffff;text-decoration:none;font-weight:600;line-height:20px;padding:14px 24px;border-radius:10px">${escaped(action.label)}</a></p>
</div>
<p class="soft" style="margin:16px 0 0;padding:0 12px;font-size:13px;color:#5c6370">You get this mail because of an order at <a class="soft" href="${escaped(house.url)}" style="color:#5c6370">${escaped(house.name)}</a>.</p>
</div>
</body>
</html>
`
}

function placesOf({ places, total }: Sheet): string {
  if (places.length === 0) return ''
  const cell = 'padding:9px 0;border-bottom:1px solid #d9dce1;vertical-align:top'
  const rows = places.map(
    ({ label, amount }) =>
      `<tr><td class="line" style="${cell}">${escaped(label)}</td><td class="line" style="${cell};text-align:right;white-space:nowrap;padding-left:16px">${escaped(amount)}</td></tr>`,
  )
  return `<table style="width:100%;border-collapse:collapse;margin:0 0 20px;font-size:16px">
${rows.join('\n')}
<tr><th scope="row" style="padding:9px 0;text-align:left">Total</th><td style="padding:9px 0 9px 16px;text-align:right;font-weight:700;white-space:nowrap">${escaped(total)}</td></tr>
</table>
`
}

function said(label: string, text: string): string {
  return `<p style="margin:0 0 10px"><strong>${label}.</strong> ${escaped(text)}</p>\n`
}

const darkStyle = `:root{color-scheme:light dark}
@media (prefers-color-scheme:dark){.paper{background:#121417!important}.sheet{background:#1e2125!important;color:#e8e6e3!important}
.box{background:#2a2e34!important}.soft{color:#a9aeb6!important}.line{border-color:#3a3f46!important}.button{background:#8ab4ff!important;color:#0c1a33!important}}`
