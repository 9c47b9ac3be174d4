import { expect, test } from 'vitest'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readDocument } from '../reading/read-document.ts'
import { amountsIn } from './amounts.ts'
import { extractStructure } from './extract-structure.ts'
import { keyValuesIn } from './key-values.ts'

test.each([
  ['EUR 1,200,000', 'EUR', '1200000'],
  ['EUR 17.00 per cubic metre', 'EUR', '17.00'],
  ['£12,780.00', 'GBP', '12780.00'],
  ['$4.5 million', 'USD', '4500000'],
  ['US$ 3 bn', 'USD', '3000000000'],
  ['€250k', 'EUR', '250000'],
  ['312 800,00 EUR', 'EUR', '312800.00'],
  ['18 340,50 €', 'EUR', '18340.50'],
  ['1.234,56 €', 'EUR', '1234.56'],
  ["CHF 1'234.50", 'CHF', '1234.50'],
  ['1\u202f440\u202f000 EUR', 'EUR', '1440000'],
  ['2,5 millions d’euros', 'EUR', '2500000'],
  ['EUR 0.125', 'EUR', '0.125'],
  ['5 dollars', 'USD', '5'],
])('the amount in "%s"', (text, currency, value) => {
  expect(amountsIn(`paid ${text} today`)).toMatchObject([{ currency, value, offset: 5 }])
})

test('no amounts in numbers, versions and words', () => {
  expect(amountsIn('18,400 cubic metres, section 3.2, invoice 2024-017, EUR or USD, 5 europeans, MEUR 3x')).toEqual([])
})

test('amounts side by side stay apart', () => {
  const amounts = amountsIn('1 1 240,50 EUR 1 240,50 EUR\nEUR 9,500.00 EUR 9,500.00\n10 EUR 5 USD')
  expect(amounts.at(-1)).toMatchObject({ currency: 'USD' })
  expect(amounts.map(({ value }) => value)).toEqual(['1240.50', '1240.50', '9500.00', '9500.00', '10', '5'])
})

test('labelled values, and no sentences, times or addresses', () => {
  const text =
    'Invoice date: 8 April 2024\nÉchéance : 30 juillet 2024\nHe said: nothing. Then it ended.\nsee https://x.example\nat 14:00: done\n'
  expect(keyValuesIn(text)).toEqual([
    { key: 'Invoice date', value: '8 April 2024' },
    { key: 'Échéance', value: '30 juillet 2024' },
    { key: 'He said', value: 'nothing. Then it ended.' },
  ])
})

test('the structure of an invoice: title, dates, amounts, labels and table', async () => {
  const path = join(import.meta.dirname, '..', '..', 'samples', 'invoices', 'invoice-2024-044.html')
  const { documents } = await readDocument(path, await readFile(path), { maxCharacters: 10_000 })
  const structure = extractStructure(documents[0]!)
  expect(structure.title).toBe('Invoice 2024-044')
  expect(structure.dates.map(({ date }) => date)).toEqual(['2024-04-08', '2024-05-08', '2024-04-02'])
  expect(structure.amounts.map(({ value }) => value)).toContain('12780.00')
  expect(structure.keyValues).toContainEqual({ key: 'Total due', value: '£12,780.00' })
  expect(structure.tables).toHaveLength(1)
  expect(structure.tables[0]![0]).toEqual(['Description', 'Quantity', 'Unit price', 'Amount'])
  const { text } = documents[0]!
  for (const { text: passage, offset } of structure.dates) expect(text.slice(offset)).toMatch(new RegExp(`^${passage}`))
})
