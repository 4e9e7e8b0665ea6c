import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { KeptBodies } from '../publish/kept-bodies.ts'
import { acceptedEncoding, SharedBody } from '../publish/shared-body.ts'

test('the best encoding that is accepted', () => {
  const chosen = {
    'gzip, deflate, br, zstd': 'br',
    'GZIP;q=1.0, *;q=0': 'gzip',
    'br;q=0, gzip': 'gzip',
    'br;q=0.000': 'identity',
    '*': 'gzip',
    identity: 'identity',
    '': 'identity',
  }
  for (const [header, encoding] of Object.entries(chosen)) assert.equal(acceptedEncoding(header), encoding, header)
  assert.equal(acceptedEncoding(undefined), 'identity')
})

test('compressed once, and the same when unpacked', () => {
  const plain = Buffer.alloc(7500, 0b01_00_01_00)
  const body = new SharedBody('v1', plain)
  assert.equal(body.encoded('br'), body.encoded('br'))
  assert.equal(body.encoded('gzip'), body.encoded('gzip'))
  assert.deepEqual(brotliDecompressSync(body.encoded('br')), plain)
  assert.deepEqual(gunzipSync(body.encoded('gzip')), plain)
})

test('a small body stays as it is', () => {
  assert.equal(new SharedBody('v1', Buffer.alloc(1000)).encodingFor('br'), 'identity')
  assert.equal(new SharedBody('v1', Buffer.alloc(1024)).encodingFor('br'), 'br')
})

test('the ETag is of the content, not of the version', () => {
  const [a, b, c] = [Buffer.alloc(9, 1), Buffer.alloc(9, 1), Buffer.alloc(9, 2)].map(
    (plain, i) => new SharedBody(`v${i}`, plain),
  )
  assert.equal(a!.etag, b!.etag)
  assert.notEqual(a!.etag, c!.etag)
})

test('of the bodies that are kept, those go first that nobody asked for', () => {
  const kept = new KeptBodies<{ body: SharedBody }>(300)
  const body = () => ({ body: new SharedBody('v', Buffer.alloc(100)) })
  for (const key of ['a', 'b', 'c']) kept.set(key, body())
  kept.get('a')
  kept.set('c', body())
  kept.set('d', body())
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map(key => kept.get(key) !== null),
    [true, false, true, true],
  )
})
