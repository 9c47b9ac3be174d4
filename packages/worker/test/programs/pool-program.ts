/** A pool of two worker processes as a program: its arguments are a task and the file that it writes to. */
import path from 'node:path'
import { WorkerPool } from '../../src/index.ts'

const [name = '', args = ''] = process.argv.slice(2)
const pool = new WorkerPool({
  app: path.join(import.meta.dirname, '../apps/pool-app.ts'),
  broker: { adapter: path.join(import.meta.dirname, '../adapters/self-feeding.ts'), tasks: [{ name, args }] },
  processes: 2,
  drain: 0,
  shutdownGrace: 1000,
})
await pool.run({ signals: true })
