import { findPhoneNumbersInText, isSupportedCountry } from 'libphonenumber-js'
import type { Mention } from './entity.ts'

const EMAIL =
  /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}][\p{L}\p{N}._%+-]{0,63}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}-])/gu

/** E-mail addresses, in lower case. */
export function emailsIn(text: string): Mention[] {
  return [...text.matchAll(EMAIL)].map((match) => ({
    type: 'email',
    value: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }))
}

/**
 * Phone numbers that exist in their country's plan, as E.164. Without a country only numbers with a country code are found.
 */
export function phonesIn(text: string, country?: string): Mention[] {
  const code = country?.toUpperCase()
  const options = code !== undefined && isSupportedCountry(code) ? { defaultCountry: code } : {}
  return findPhoneNumbersInText(text, { ...options, extended: false }).map(({ number, startsAt, endsAt }) => ({
    type: 'phone',
    value: number.number,
    start: startsAt,
    end: endsAt,
  }))
}
