/** Ends the thread or process that loads it. */
process.exit(7)
