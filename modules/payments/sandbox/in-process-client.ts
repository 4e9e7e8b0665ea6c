import type Stripe from 'stripe'
import { decodeForm } from './form.ts'
import type { SandboxProvider } from './provider.ts'

/** A door without sockets: the SDK's own requests, answered by the provider in this process. Time-outs come at once. */
export function inProcessClient(provider: SandboxProvider): Stripe.HttpClient {
  return {
    getClientName: () => 'holdfast-sandbox',
    async makeRequest(_host, _port, path, method, headers, requestData) {
      const [route = '', query = ''] = path.split('?')
      const lower = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
      )
      const answer = provider.handle({
        method,
        path: route,
        query: decodeForm(query),
        body: decodeForm(requestData ?? ''),
        headers: lower,
      })
      if (answer.fault !== null) throw timeout()
      return {
        getStatusCode: () => answer.status,
        getHeaders: () => answer.headers,
        getRawResponse: () => ({}),
        toStream: () => null,
        toJSON: async () => structuredClone(answer.body),
      }
    },
  } as Stripe.HttpClient
}

function timeout(): Error {
  return Object.assign(new TypeError('the sandbox does not answer'), { code: 'ETIMEDOUT' })
}
