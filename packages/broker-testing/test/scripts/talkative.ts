// A child for the tests of child processes: counts aloud, answers messages, and does as its argument says.
const [mode] = process.argv.slice(2)

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.on('message', (message) => process.send?.({ echo: message }))
process.on('SIGTERM', () => {
  say('asked to stop')
  process.exit(3)
})

say(`ready ${mode}`)
process.stderr.write('this goes to the error stream\n')

let count = 0
if (mode === 'short') process.disconnect()
else setInterval(() => say(`count ${++count}`), 10)
