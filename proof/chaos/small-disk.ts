import { execFile, execFileSync } from 'node:child_process'
import { mkdir, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type SmallDisk = { fill(): Promise<void>; free(): Promise<void>; close(): Promise<void> }

const run = promisify(execFile)
const megabytes = 640

/** A disk of its own at `folder`, small enough to fill up; a sentence where mounting is not allowed. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk | string> {
  const image = `${folder}.img`
  const ballast = join(folder, 'ballast')
  await mkdir(folder, { recursive: true })
  await writeFile(image, '')
  await truncate(image, megabytes * 2 ** 20)
  try {
    await run('mkfs.ext4', ['-q', '-m', '0', image])
    await run('mount', ['-o', 'loop', image, folder])
  } catch (error) {
    await rm(image, { force: true })
    const { stderr, message } = error as Error & { stderr?: string }
    return (stderr?.trim() || message).split('\n')[0]!
  }
  // Also when somebody cannot wait for the end: a mount outlives its process.
  const unmountNow = () => execFileSync('umount', ['-l', folder])
  process.once('exit', unmountNow)
  return {
    async fill() {
      const { bavail, bsize } = await statfs(folder)
      await run('fallocate', ['-l', String(Math.max(bsize, (bavail - 8) * bsize)), ballast])
      // The last blocks one by one, until there are none.
      for (let i = 0; i < 64; i++) {
        const more = await writeFile(`${ballast}.${i}`, 'x').then(
          () => true,
          () => false,
        )
        if (!more) return
      }
    },
    async free() {
      await Promise.all(
        [ballast, ...Array.from({ length: 64 }, (_, i) => `${ballast}.${i}`)].map(f => rm(f, { force: true })),
      )
    },
    async close() {
      process.off('exit', unmountNow)
      await run('umount', [folder]).catch(() => run('umount', ['-l', folder]))
      await rm(image, { force: true })
    },
  }
}
