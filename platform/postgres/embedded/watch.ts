import { spawn } from 'node:child_process'

/**
 * For the servers of tests: a test run that is killed leaves no server behind. A small shell reads from a pipe that only this
 * process holds; the pipe ends with the process, whatever ended it, and the shell stops the server.
 */
export function stopWithThisProcess(pid: number): void {
  const shell = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$0" 2>/dev/null', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  ;(shell.stdin as unknown as { unref(): void }).unref()
}
