import { generateKeyPairSync } from 'node:crypto'
import type { SigningKeys } from '#tickets'

/** One key for all runs: what it signs is checked elsewhere, and runs must not differ by it. */
export function simulationKeys(): SigningKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const current = { number: 1, kid: 'simulation', privateKey, publicKey }
  return { current, all: [current] }
}
