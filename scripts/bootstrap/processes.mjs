import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { Failure, say } from './failure.mjs'
import { noteChild } from './lock.mjs'

/**
 * @typedef {{ program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv }} Invocation
 * @typedef {{ ok: boolean, output: string }} Ended
 */

const forwarded = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
const keptOutput = 200_000
const shownLines = 40

/**
 * Runs a step whose output matters only when it fails; says that it runs, and every ten seconds that it still does.
 * @param {string} label
 * @param {Invocation} invocation
 * @returns {Promise<Ended>}
 */
export async function runQuietly(label, invocation) {
  const started = Date.now()
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`
  say(`${label} ...`)
  const heartbeat = setInterval(() => say(`${label} ... ${seconds()}`), 10_000)
  try {
    const ended = await collect(invocation)
    if (ended.ok) say(`${label}: done in ${seconds()}`)
    else process.stderr.write(`${lastLines(ended.output)}\n`)
    return ended
  } finally {
    clearInterval(heartbeat)
  }
}

/** @param {string} output */
function lastLines(output) {
  const lines = output.trimEnd().split('\n')
  return lines
    .filter((line) => !/^(\[WARN\] GET|Will retry in)/.test(line))
    .slice(-shownLines)
    .join('\n')
}

/**
 * @param {Invocation} invocation
 * @returns {Promise<Ended>}
 */
function collect({ program, args, cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    noteChild(child.pid)
    let output = ''
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-keptOutput)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const stopForwarding = forwardSignals(child)
    child.on('error', (error) => reject(new Failure(`cannot run ${program}: ${error.message}`)))
    child.on('close', (code, signal) => {
      noteChild(undefined)
      const interrupted = stopForwarding()
      if (interrupted) process.exit(128 + constants.signals[interrupted])
      resolve({ ok: code === 0 && signal === null, output })
    })
  })
}

/**
 * Runs the command itself, on the caller's terminal, and resolves with its exit code.
 * @param {Invocation} invocation
 * @returns {Promise<number>}
 */
export function runInForeground({ program, args, cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: 'inherit' })
    const stopForwarding = forwardSignals(child)
    child.on('error', (error) => reject(new Failure(`cannot run ${program}: ${error.message}`)))
    child.on('exit', (code, signal) => {
      stopForwarding()
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM'])
    })
  })
}

/**
 * Passes signals on to the child and waits for its end instead of dying first. Ctrl-C is the exception: the terminal
 * gives it to the child itself, and a second one would mean "at once".
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => NodeJS.Signals | undefined} ends the forwarding; tells the signal that was received, if any
 */
function forwardSignals(child) {
  /** @type {NodeJS.Signals | undefined} */
  let received
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    received = signal
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of forwarded) process.on(signal, forward)
  const parentWatch = watchParent(() => forward('SIGTERM'))
  return () => {
    clearInterval(parentWatch)
    for (const signal of forwarded) process.off(signal, forward)
    return received
  }
}

/**
 * npm passes a signal to the shell that it started for us; the shell dies of it without telling us. Its end is the
 * message. Called without npm we outlive our parent, as a program started with nohup should.
 * @param {() => void} orphaned
 * @returns {NodeJS.Timeout | undefined}
 */
function watchParent(orphaned) {
  if (!process.env['npm_lifecycle_event']) return undefined
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    orphaned()
  }, 200)
  return watch.unref()
}
