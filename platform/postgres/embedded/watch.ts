import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/**
 * For the servers of tests: a test run that is killed leaves no server behind. A small shell reads from a pipe that only this
 * process holds; the pipe ends with the process, whatever ended it, and the shell stops the server. Returns how to call it off.
 */
export function stopWithThisProcess(pid: number): () => void {
  const shell = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$0" 2>/dev/null', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  // A child's pipe is a socket, which is what knows how not to keep this process alive.
  ;(shell.stdin as Socket).unref()
  return () => void shell.kill('SIGKILL')
}
