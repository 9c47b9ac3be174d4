import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from './failure.mjs'

/** @typedef {{ pid: number, host: string, child?: number }} Holder */

const heartbeatEvery = 2_000
const heartbeatLost = 20_000
const poll = 200

/** @type {string | undefined} the lock file this process holds */
let held

/**
 * Runs the work while no other process of this machine, or of another that shares the folder, does. A lock left behind
 * by a process that died is taken over.
 * @template Result
 * @param {string} file
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withLock(file, work) {
  mkdirSync(path.dirname(file), { recursive: true })
  await acquire(file)
  held = file
  process.once('exit', release)
  const heartbeat = setInterval(() => touch(file), heartbeatEvery)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    process.off('exit', release)
    release()
  }
}

/**
 * Names the process that works for the holder: it must have ended, too, before the lock counts as left behind.
 * @param {number | undefined} child
 */
export function noteChild(child) {
  if (held) writeFileSync(held, describe(child))
}

/** @param {string} file */
async function acquire(file) {
  for (let waited = 0; !create(file); waited += poll) {
    if (waited === 5 * poll) say('waiting for another run in this checkout to finish preparing ...')
    if (isAbandoned(file)) takeAway(file)
    else await sleep(poll)
  }
}

/** @param {string} file */
function create(file) {
  try {
    writeFileSync(file, describe(undefined), { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** @param {number | undefined} child */
function describe(child) {
  return JSON.stringify({ pid: process.pid, host: hostname(), child })
}

/** @param {string} file */
function isAbandoned(file) {
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  const holder = readHolder(file)
  if (!holder || holder.host !== hostname()) return age > heartbeatLost
  return !isAlive(holder.pid) && !(holder.child && isAlive(holder.child))
}

/**
 * @param {string} file
 * @returns {Holder | undefined} nothing while its holder is still writing it
 */
function readHolder(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

/**
 * Of several that find the lock abandoned one removes it: the others find the folder there, or the lock renewed.
 * @param {string} file
 */
function takeAway(file) {
  const turn = `${file}.takeover`
  try {
    mkdirSync(turn)
  } catch {
    const age = Date.now() - (statSync(turn, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > heartbeatLost) rmSync(turn, { recursive: true, force: true })
    return
  }
  if (isAbandoned(file)) rmSync(file, { force: true })
  rmdirSync(turn)
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // Someone removed .tools while it was in use; the work itself will say so.
  }
}

function release() {
  if (held) rmSync(held, { force: true })
  held = undefined
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function hasCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code
}
