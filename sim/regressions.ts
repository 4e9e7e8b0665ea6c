/** Seeds that found a bug once, with what it was; tests play them again. A seed says something only as long as runs are drawn as they were. */
export const regressions: readonly { seed: number; found: string }[] = [
  {
    seed: 10095597,
    found:
      'places were freed by what was read before the lock: the buyer had been queued meanwhile, and given more time',
  },
]
