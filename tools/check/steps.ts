export type Step = {
  name: string
  /** A script of a package or of ours, and its arguments; run by Node from the root. */
  run: readonly string[]
  /** What to do when it fails and its output does not say so. */
  remedy?: string
}

/** What `npm run check` looks at. All steps run, whichever fails. */
export const steps: readonly Step[] = [
  { name: 'types', run: ['node_modules/typescript/bin/tsc', '-p', '.'] },
  {
    name: 'lint',
    run: [
      'node_modules/@biomejs/biome/bin/biome',
      'ci',
      '--colors=off',
      '--error-on-warnings',
      '--max-diagnostics=30',
      '.',
    ],
    remedy: '`npm run format` does what can be done without thinking.',
  },
  {
    name: 'architecture',
    run: ['tools/arch/run.ts'],
    remedy: 'An exception goes into tools/arch/allowances.ts, with its reason.',
  },
  {
    name: 'dead-code',
    run: ['node_modules/knip/bin/knip.js', '--no-progress'],
    remedy: 'Delete what nothing uses; do not export what only its own file uses.',
  },
  { name: 'schema', run: ['tools/schema/run.ts', '--check'] },
  { name: 'reference', run: ['tools/docs/write-reference.ts', '--check'] },
  { name: 'docs', run: ['tools/docs/check-promises.ts'] },
]
