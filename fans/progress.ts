import type { Progress } from './rehearsal.ts'

const barWidth = 24
const plainEveryMs = 5000

/** Tells how far a rehearsal is: one line drawn over and over at a terminal, a line now and then elsewhere. */
export function progressBar(stream: NodeJS.WriteStream): { tell(progress: Progress): void; end(): void } {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    tell(progress) {
      const everyMs = stream.isTTY ? 100 : plainEveryMs
      if (performance.now() - toldAt < everyMs) return
      toldAt = performance.now()
      stream.write(stream.isTTY ? `\r${lineOf(progress)}\u001b[K` : `${lineOf(progress)}\n`)
    },
    end: () => void (stream.isTTY && stream.write('\r\u001b[K')),
  }
}

function lineOf({ arrived, fans, inside, ends, phase }: Progress): string {
  const full = Math.round((barWidth * arrived) / Math.max(1, fans))
  const bar = `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`
  return `${bar} ${arrived}/${fans} fans, ${inside} inside, ${ends['has-tickets'] ?? 0} with tickets · ${phase}`
}
