const PATIENCE = 10_000

/** A process that has closed everything ends by itself; one that does not is ended, says what keeps it, and fails. */
export function mustEndByItself(): void {
  const tooLate = setTimeout(() => {
    console.error(`This process does not end by itself: ${process.getActiveResourcesInfo().join(', ')} is still open`)
    process.exit(1)
  }, PATIENCE)
  tooLate.unref()
}
