import { OutcomeUnknown, RetryableFault, TerminalFault } from '#kernel/faults.ts'

type SmtpError = { code?: string; responseCode?: number; command?: string; response?: string; syscall?: string }

/**
 * What a failure of the mail server means. Final is only what is said about this mail: a 5yz to its recipient or its text. A 5yz
 * to the greeting, to our password or to the sender means a setting, and the mail must outlive the mistake. The cause is not
 * chained, because servers repeat addresses in their answers and these sentences are stored and logged.
 */
export function faultOf(error: unknown): Error {
  const { code, responseCode, command, response, syscall } = error as SmtpError
  const said = response ?? (error instanceof Error ? error.message : String(error))
  const at = command === undefined ? '' : ` at ${command}`
  const sentence = withoutAddresses(`${code ?? 'SMTP'}${at}: ${said}`).slice(0, 300)

  const isAboutThisMail = command === 'RCPT TO' || command === 'DATA'
  // 503 is about the order of commands, not about the mail.
  if (isAboutThisMail && responseCode !== undefined && responseCode >= 500 && responseCode !== 503)
    return new TerminalFault(sentence)
  // Said by our own side: too large for this server, or no address that it could send to.
  if ((code === 'EMESSAGE' || code === 'EENVELOPE') && responseCode === undefined) return new TerminalFault(sentence)

  if (responseCode !== undefined || code === 'EDNS' || syscall === 'connect') return new RetryableFault(sentence)
  // The line went dead or the time ran out: the server may have taken the mail before.
  return new OutcomeUnknown(sentence)
}

function withoutAddresses(text: string): string {
  return text.replaceAll(/("[^"]*"|[^\s<>"'(),;:]+)@[^\s<>"'(),;:]+/g, '(address)').replaceAll(/\s+/g, ' ')
}
