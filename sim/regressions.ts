/** Seeds that found a bug once, with what it was; tests play them again. A seed says something only as long as runs are drawn as they were. */
export const regressions: readonly { seed: number; found: string }[] = []
