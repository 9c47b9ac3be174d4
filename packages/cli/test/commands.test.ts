import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ds, dsOnSharedBroker, temporaryFolder } from './run-ds.ts'

/** One line on stderr, and nothing of a stack. */
function isOneLine(text: string): boolean {
  return text.trim().split('\n').length === 1 && !/\n\s+at /.test(text)
}

describe('ds run', () => {
  test('prints the progress on stderr and the result alone on stdout', async () => {
    const { code, stdout, stderr } = await ds(['run', 'tasks.ts', 'greet', '{"greeted":"world"}'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '"Hello world!"\n' })
    expect(stderr).toContain('greet ████████████████████ 100 %')
  })

  test('takes its args from stdin and from a file', async () => {
    const file = path.join(await temporaryFolder(), 'args.json')
    await writeFile(file, '{"greeted":"file"}')
    expect(await ds(['run', 'tasks.ts', 'greet', '-'], { input: '{"greeted":"stdin"}' })).toMatchObject({
      stdout: '"Hello stdin!"\n',
    })
    expect(await ds(['run', 'tasks.ts', 'greet', `@${file}`])).toMatchObject({ stdout: '"Hello file!"\n' })
  })

  test('a task that fails ends it with code 1 and one line that names error, file and line', async () => {
    const { code, stdout, stderr } = await ds(['run', 'tasks.ts', 'fail'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^ds: task \S+ \(fail\) failed in attempt 1: RangeError: boom at .*tasks\.ts:\d+$/m)
    expect(stderr).not.toContain('second line')
  })

  test('with --json events are lines of the wire format, and the result is the last one', async () => {
    const { stdout } = await ds(['--json', 'run', 'tasks.ts', 'greet', '{"greeted":"x"}'])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { '@type'?: string })
    expect(lines.at(-2)).toMatchObject({ '@type': 'ResultEvent', state: 'DONE', progress: 1 })
    expect(lines.at(-1)).toBe('Hello x!')
  })
})

describe('a wrong call is one line on stderr with an exit code', () => {
  const cases: readonly [what: string, args: readonly string[], code: number, says: RegExp][] = [
    ['a missing App file', ['run', 'nope.ts', 'greet'], 2, /nope\.ts/],
    ['a file that exports no App', ['run', 'no-app.ts', 'greet'], 2, /no-app\.ts.*nothing/],
    ['a package that is not installed', ['worker', 'start', '@acme/tasks-ocr'], 2, /npm install @acme\/tasks-ocr/],
    ['an unknown task', ['run', 'tasks.ts', 'great'], 2, /"great".*greet/],
    ['args that are no JSON', ['run', 'tasks.ts', 'greet', '{greeted}'], 2, /not JSON/],
    ['an args file that is missing', ['run', 'tasks.ts', 'greet', '@nope.json'], 2, /nope\.json.*ENOENT/],
    ['an unknown command', ['tusk'], 2, /unknown command/],
    ['an unknown option', ['task', 'list', '--sate', 'ERROR'], 2, /--sate.*ds task list --help/],
    ['a missing argument', ['task', 'watch'], 2, /missing required argument/],
    ['an unknown URL scheme', ['--broker', 'amqp://127.0.0.1', 'task', 'list'], 2, /amqp/],
    [
      'an adapter that is not installed',
      ['-c', 'absent-adapter.config.json', 'task', 'list'],
      2,
      /npm install @acme\/ds-broker/,
    ],
    ['a config file that is missing', ['-c', 'nope.config.ts', 'task', 'list'], 2, /nope\.config\.ts/],
    [
      'a broker of one process, for a command that needs a shared one',
      ['--broker', 'memory:', 'task', 'list'],
      2,
      /ds run/,
    ],
    [
      'a pool on a broker of one process',
      ['--broker', 'memory:', 'worker', 'start', 'tasks.ts', '-n', '2'],
      2,
      /memory broker.*redis:/,
    ],
    [
      'a config that is not valid',
      ['-c', 'invalid.config.json', 'run', 'tasks.ts', 'greet'],
      2,
      /brokr in .*invalid\.config\.json\. Did you mean broker\?/,
    ],
    [
      'a task name that is there twice',
      ['run', 'duplicate.ts', 'same'],
      2,
      /twice has two tasks named "same".*duplicate\.ts:4/,
    ],
    [
      'args that fail the schema',
      ['run', 'bad-input.ts', 'checked', '{"text":1}'],
      2,
      /args of checked.*text: is no text/,
    ],
    [
      'a schema that fails itself',
      ['run', 'bad-input.ts', 'unchecked'],
      2,
      /schema for the args of unchecked failed: Error: this schema is broken/,
    ],
    [
      'a dependency that cannot be set up',
      ['run', 'needy.ts', 'needs'],
      2,
      /dependency of needs could not be set up: Error: no such database \(.*needy\.ts:\d+\)/,
    ],
    ['an App that never loads', ['run', 'never.ts', 'x'], 2, /can never come/],
    ['a number of retries that is none', ['task', 'start', 'x', '--max-retries', 'many'], 2, /--max-retries is "many"/],
    ['a number that is none', ['worker', 'start', 'tasks.ts', '--concurrency', 'many'], 2, /--concurrency is "many"/],
  ]
  test.each(cases)('%s', async (...wrongCall) => {
    const [, args, code, says] = wrongCall
    const finished = await ds(args)
    expect(finished.stderr).toMatch(says)
    expect(isOneLine(finished.stderr), finished.stderr).toBe(true)
    expect({ code: finished.code, stdout: finished.stdout }).toEqual({ code, stdout: '' })
  })

  test('args over the limit are refused with their size and the limit', async () => {
    const file = path.join(await temporaryFolder(), 'large.json')
    await writeFile(file, JSON.stringify({ greeted: 'x'.repeat(600 * 1024) }))
    const { code, stdout, stderr } = await ds(['run', 'tasks.ts', 'greet', `@${file}`])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^ds: The args of greet take 614414 bytes encoded, the limit is 524288\..*$/m)
    expect(isOneLine(stderr), stderr).toBe(true)
  })

  test('circular args of a subtask end its parent, in one line', async () => {
    const { code, stdout, stderr } = await ds(['run', 'bad-input.ts', 'circular'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^ds: task \S+ \(circular\) failed in attempt 1: NotSerializable: The args of open .*circular.*$/m,
    )
  })

  test('an App file that does not parse is named with the line', async () => {
    const file = path.join(await temporaryFolder(), 'broken.ts')
    await writeFile(file, 'const fine = 1\nexport const app = (\n')
    const { code, stderr } = await ds(['run', file, 'greet'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/broken\.ts:[23]/)
    expect(isOneLine(stderr), stderr).toBe(true)
  })

  test('with --json the line is an object with code, message and fix', async () => {
    const { stderr } = await ds(['--json', 'run', 'nope.ts', 'greet'])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'AppNotFound' } })
  })

  test('a password in a URL is never shown', async () => {
    const { stderr } = await ds(['--broker', 'amqp://user:hunter2@127.0.0.1', 'task', 'list'])
    expect(stderr).not.toContain('hunter2')
  })
})

describe('ds app list', () => {
  test('shows tasks, groups and descriptions', async () => {
    const { code, stdout } = await ds(['app', 'list', 'tasks.ts'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^app hello$/m)
    expect(stdout).toMatch(/^sleep\s+slow\s+0\s+-\s+-\s+waits for a cancel$/m)
  })
})

describe('ds task', () => {
  test('a task is created, followed, read and listed', async () => {
    const [start, watch, result, show, list, counts] = await dsOnSharedBroker([
      ['task', 'start', 'greet', '{"greeted":"world"}'],
      ['task', 'watch', '$ID'],
      ['task', 'result', '$ID'],
      ['task', 'show', '$ID'],
      ['task', 'list', '--name', 'greet'],
      ['--json', 'task', 'counts'],
    ])
    expect(start?.stdout).toMatch(/^[0-9a-f-]{36}\n$/)
    expect(watch?.code).toBe(0)
    expect(result?.stdout).toBe('"Hello world!"\n')
    expect(show?.stdout).toMatch(/^state\s+DONE$/m)
    expect(show?.stdout).toMatch(/^args\s+\{"greeted":"world"\}$/m)
    expect(list?.stdout).toContain(start?.stdout.trim())
    expect(JSON.parse(counts?.stdout ?? '')).toMatchObject({ DONE: 1 })
  })

  test('a failed task is explained attempt by attempt, and can be run again', async () => {
    const [, watch, errors, again] = await dsOnSharedBroker([
      ['task', 'start', 'fail', '{}'],
      ['task', 'watch', '$ID'],
      ['task', 'errors', '$ID'],
      ['task', 'retry', '$ID'],
    ])
    expect(watch?.code).toBe(1)
    expect(errors?.stdout).toMatch(/^attempt 1 {2}\S+ {2}RangeError: boom/)
    expect(errors?.stdout).toMatch(/tasks\.ts:\d+/)
    expect(again).toMatchObject({ code: 0, stdout: 'queued\n' })
  })

  test('a waiting task is cancelled, and a wait for its result says so', async () => {
    const [, active, cancel, result, unknown] = await dsOnSharedBroker([
      ['task', 'start', 'sleep', '--id', 'nap'],
      ['task', 'result', 'nap'],
      ['task', 'cancel', 'nap'],
      ['task', 'result', 'nap'],
      ['task', 'show', 'nobody'],
    ])
    expect(active?.code).toBe(1)
    expect(cancel).toMatchObject({ code: 0, stdout: 'cancelled\n' })
    expect(result?.code).toBe(1)
    expect(result?.stderr).toContain('ds: task nap (sleep) was cancelled')
    expect(unknown?.code).toBe(2)
    expect(unknown?.stderr).toContain('There is no task "nobody"')
  })

  test('an id that is taken creates nothing, and says so', async () => {
    const [first, second] = await dsOnSharedBroker([
      ['--json', 'task', 'start', 'sleep', '--id', 'once', '--delay', '1h'],
      ['--json', 'task', 'start', 'sleep', '--id', 'once'],
    ])
    expect(JSON.parse(first?.stdout ?? '')).toEqual({ id: 'once', created: true })
    expect(JSON.parse(second?.stdout ?? '')).toEqual({ id: 'once', created: false })
  })
})
