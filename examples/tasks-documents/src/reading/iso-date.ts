/**
 * States a date as ISO 8601. A day alone stays a day, since the time zone of a day is nobody's; what is no date, or lies
 * outside the years 1000 to 9999, is undefined.
 */
export function isoDate(value: unknown): string | undefined {
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value.trim())) return isoDay(value.trim())
  const date =
    value instanceof Date ? value : typeof value === 'string' && value.trim() !== '' ? new Date(value) : undefined
  if (date === undefined || Number.isNaN(date.getTime())) return undefined
  const year = date.getUTCFullYear()
  return year >= 1000 && year <= 9999 ? date.toISOString() : undefined
}

function isoDay(day: string): string | undefined {
  const date = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day) ? day : undefined
}
