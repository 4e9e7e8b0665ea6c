import scalar from '@scalar/fastify-api-reference'
import type { HttpServer } from '#platform/http/server.ts'

// Everything the page needs comes from this server. The policy makes sure that it stays so when the package changes.
const onlyFromHere = [
  `default-src 'none'`,
  `script-src 'self' 'unsafe-inline'`,
  `style-src 'self' 'unsafe-inline'`,
  `img-src 'self' data:`,
  `font-src 'self' data:`,
  `connect-src 'self'`,
].join('; ')

/** `/docs`: the reference as a page with a request runner, and what there is at `/` for a browser. */
export async function registerReferencePage(app: HttpServer): Promise<void> {
  await app.register(scalar, {
    routePrefix: '/docs',
    hooks: {
      onRequest: (_request, reply, done) => {
        reply.header('Content-Security-Policy', onlyFromHere)
        done()
      },
    },
    configuration: {
      url: '/openapi.json',
      title: 'Holdfast API reference',
      proxyUrl: '',
      withDefaultFonts: false,
      hideClientButton: true,
      showDeveloperTools: 'never',
      documentDownloadType: 'direct',
      orderSchemaPropertiesBy: 'preserve',
      defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
      authentication: { preferredSecurityScheme: 'bearer' },
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
    } as object,
  })
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs', 303))
}
