/** What a person can mend: shown as one line, without a stack. */
export class Failure extends Error {}

/**
 * One line for the person at the terminal; stdout belongs to the command.
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`ds-sdk: ${line}\n`)
}
