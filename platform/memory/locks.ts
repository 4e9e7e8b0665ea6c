/**
 * Exclusive locks by name, held to the end of a transaction. Who waits gets the lock in the order of asking.
 */
export class Locks<Owner extends object> {
  #held = new Map<string, { owner: Owner; queue: Waiter<Owner>[] }>()
  #namesOf = new Map<Owner, Set<string>>()
  #waitsFor = new Map<Owner, string>()

  /** Takes the lock if nobody else has it. */
  tryAcquire(owner: Owner, name: string): boolean {
    const lock = this.#held.get(name)
    if (lock !== undefined) return lock.owner === owner
    this.#held.set(name, { owner, queue: [] })
    this.#note(owner, name)
    return true
  }

  isHeldBy(owner: Owner, name: string): boolean {
    return this.#held.get(name)?.owner === owner
  }

  /** Joins the queue; `wait.end` leaves it, for whoever gives up. */
  wait(owner: Owner, name: string): { granted: Promise<void>; end: () => void } {
    const lock = this.#held.get(name)!
    let grant!: () => void
    const granted = new Promise<void>(resolve => {
      grant = resolve
    })
    const waiter = { owner, grant }
    lock.queue.push(waiter)
    this.#waitsFor.set(owner, name)
    return {
      granted,
      end: () => {
        lock.queue = lock.queue.filter(other => other !== waiter)
        if (this.#waitsFor.get(owner) === name) this.#waitsFor.delete(owner)
      },
    }
  }

  /** Whether waiting for this lock would close a circle of transactions that wait for each other. */
  wouldDeadlock(owner: Owner, name: string): boolean {
    let next: string | undefined = name
    while (next !== undefined) {
      const holder: Owner | undefined = this.#held.get(next)?.owner
      if (holder === undefined) return false
      if (holder === owner) return true
      next = this.#waitsFor.get(holder)
    }
    return false
  }

  release(owner: Owner, name: string): void {
    this.#namesOf.get(owner)?.delete(name)
    const lock = this.#held.get(name)!
    const next = lock.queue.shift()
    if (next === undefined) {
      this.#held.delete(name)
      return
    }
    lock.owner = next.owner
    this.#waitsFor.delete(next.owner)
    this.#note(next.owner, name)
    next.grant()
  }

  releaseAll(owner: Owner): void {
    const names = this.#namesOf.get(owner)
    this.#namesOf.delete(owner)
    for (const name of names ?? []) this.release(owner, name)
  }

  #note(owner: Owner, name: string): void {
    const names = this.#namesOf.get(owner)
    if (names === undefined) this.#namesOf.set(owner, new Set([name]))
    else names.add(name)
  }
}

type Waiter<Owner> = { owner: Owner; grant: () => void }
