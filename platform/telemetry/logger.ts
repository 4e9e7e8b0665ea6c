import { type Logger, pino } from 'pino'

export type { Logger }

/** JSON lines on standard error; standard output belongs to what a command answers. Secrets never reach a line. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['headers.authorization', 'headers.cookie', '*.password', '*.access_token', '*.client_secret'],
    },
    pino.destination({ fd: 2, sync: false }),
  )
}
