import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomeUnknown, RetryableFault, TerminalFault } from '#kernel/faults.ts'
import { faultOf } from '../smtp/smtp-fault.ts'

const error = (message: string, members: object) => Object.assign(new Error(message), members)

test('final is only what the server says about this mail', () => {
  const answers: [object, typeof TerminalFault | typeof RetryableFault | typeof OutcomeUnknown][] = [
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550 }, TerminalFault],
    [{ code: 'EMESSAGE', command: 'DATA', responseCode: 554 }, TerminalFault],
    [{ code: 'EMESSAGE', command: 'MAIL FROM' }, TerminalFault],
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450 }, RetryableFault],
    [{ code: 'EMESSAGE', command: 'DATA', responseCode: 503 }, RetryableFault],
    [{ code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 550 }, RetryableFault],
    [{ code: 'EAUTH', command: 'AUTH PLAIN', responseCode: 535 }, RetryableFault],
    [{ code: 'EPROTOCOL', command: 'CONN', responseCode: 554 }, RetryableFault],
    [{ code: 'EDNS', command: 'CONN' }, RetryableFault],
    [{ code: 'ESOCKET', command: 'CONN', syscall: 'connect' }, RetryableFault],
    [{ code: 'ECONNECTION', command: 'CONN' }, OutcomeUnknown],
    [{ code: 'ETIMEDOUT', command: 'CONN' }, OutcomeUnknown],
    [{ code: 'ESOCKET', command: 'CONN', syscall: 'read' }, OutcomeUnknown],
    [{ code: 'EABORT' }, OutcomeUnknown],
  ]
  for (const [members, Fault] of answers)
    assert.ok(faultOf(error('no', members)) instanceof Fault, JSON.stringify(members))
})

test('addresses in an answer are taken out of it', () => {
  const response = '550 5.1.1 <ada@example.org>: ada@example.org (was "ada"@example.org) unknown\r\n550 really'
  const { message } = faultOf(error('no', { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response }))
  assert.equal(message, 'EENVELOPE at RCPT TO: 550 5.1.1 <(address)>: (address) (was (address)) unknown 550 really')
})
