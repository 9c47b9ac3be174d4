import type * as sqlite from 'node:sqlite'

/**
 * Node's own SQLite. Node 22 warns, once in each thread, that its interface may change; the parts used here are the same in all
 * versions that this package supports, so this one warning is kept from people who can do nothing about it.
 */
export function loadSqlite(): typeof sqlite {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest)
  }
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
