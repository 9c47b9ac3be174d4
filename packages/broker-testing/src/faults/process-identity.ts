import { readFileSync } from 'node:fs'

/** State letter and start time of a process, from /proc; nothing where there is no /proc or no such process. */
function readStat(pid: number): { state: string; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in brackets and may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' }
  } catch {
    return undefined
  }
}

/** When the process began, in the kernel's own units. With the pid it tells a process from a later one with the same pid. */
export function startTimeOf(pid: number): string | undefined {
  return readStat(pid)?.startTime
}

/** Whether the process was stopped with SIGSTOP. Always false where there is no /proc. */
export function isStopped(pid: number): boolean {
  return readStat(pid)?.state === 'T'
}

/** Whether a process runs; one that has ended and was not yet collected by its parent does not. */
export function isRunning(pid: number): boolean {
  if (!canSignal(pid)) return false
  return readStat(pid)?.state !== 'Z'
}

/** Whether the pid still belongs to the process that began at `startTime`. Unknown start times count as the same. */
export function isSameProcess(pid: number, startTime: string | undefined): boolean {
  if (!isRunning(pid)) return false
  const now = startTimeOf(pid)
  return startTime === undefined || now === undefined || now === startTime
}

/** Whether any process of the group that `pid` leads is left. */
export function groupIsRunning(pid: number): boolean {
  return canSignal(-pid)
}

function canSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * SIGKILL for the process and everything it started in its group.
 * Does nothing when the pid now belongs to another process.
 */
export function killGroup(pid: number, startTime: string | undefined): void {
  const now = startTimeOf(pid)
  if (now !== undefined && startTime !== undefined && now !== startTime) return
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
}
