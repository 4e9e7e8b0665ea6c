/** Runs work at the end of this turn of the event loop: all that came in one turn in its order, one after the other. */
export function atEndOfTurn(): (work: () => void) => void {
  let waiting: (() => void)[] = []

  function flush(): void {
    const all = waiting
    waiting = []
    for (const work of all) work()
  }

  return work => {
    if (waiting.push(work) === 1) setImmediate(flush)
  }
}
