#!/usr/bin/env node
// The one door to every root script: makes sure of Node, pnpm, the installed packages and the build, then runs the
// wanted command where the caller stands. Runs on Node 20.20 without any package; speaks on stderr only.
import path from 'node:path'
import { commands } from './bootstrap/commands.mjs'
import { Failure, say } from './bootstrap/failure.mjs'
import { prepare } from './bootstrap/prepare.mjs'
import { runInForeground } from './bootstrap/processes.mjs'
import { toolchainEnvironment } from './bootstrap/toolchain.mjs'

const root = path.resolve(import.meta.dirname, '..')

/** npm starts scripts in the root and tells where the caller stood; called directly, the caller stands where we are. */
function callerFolder() {
  return process.cwd() === root ? (process.env['INIT_CWD'] ?? root) : process.cwd()
}

async function main() {
  const [name = '', ...args] = process.argv.slice(2)
  const command = commands[name]
  if (!command) throw new Failure(`unknown command "${name}". Commands: ${Object.keys(commands).join(', ')}`)
  const toolchain = await prepare(root, command.needs)
  if (!command.run) return 0
  const [program, ...first] = command.run(root, toolchain)
  return await runInForeground({
    program,
    args: [...first, ...args],
    cwd: command.cwd === 'root' ? root : callerFolder(),
    env: toolchainEnvironment(root, toolchain),
  })
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof Failure)) throw error
  say(error.message)
  process.exitCode = 1
}
