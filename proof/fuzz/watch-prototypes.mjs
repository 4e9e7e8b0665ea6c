// Loaded into a server before its own code (`node --import`): says in a file when somebody has added to the prototypes that all objects
// share. `?file=` behind its own address names the file. In the process itself, because an answer shows what is added only where a serialiser happens to look for that very name.
import { appendFileSync } from 'node:fs'

const file = new URL(import.meta.url).searchParams.get('file')
const watched = {
  Object: Object.prototype,
  Array: Array.prototype,
  Function: Function.prototype,
  String: String.prototype,
}
const before = Object.fromEntries(
  Object.entries(watched).map(([name, prototype]) => [name, new Set(Reflect.ownKeys(prototype))]),
)
appendFileSync(file, `watching ${process.pid}\n`)
const look = () => {
  for (const [name, prototype] of Object.entries(watched))
    for (const key of Reflect.ownKeys(prototype)) {
      if (before[name].has(key)) continue
      before[name].add(key)
      appendFileSync(file, `${name}.prototype.${String(key)} in ${process.argv[1]}\n`)
    }
}
setInterval(look, 200).unref()
process.on('exit', look)
