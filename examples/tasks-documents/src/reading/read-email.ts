import PostalMime, { type Address, type Attachment as MailPart, type Email } from 'postal-mime'
import { DocumentError } from '../failure.ts'
import type { Attachment, Extract } from './document.ts'
import { htmlContent, loadHtml } from './html-extract.ts'
import { isoDate } from './iso-date.ts'

/**
 * An e-mail: subject, sender, recipients, text (of the HTML part when there is no plain one) and its attachments.
 *
 * @throws DocumentError `Corrupt` when the bytes are no e-mail.
 */
export async function readEmail(bytes: Uint8Array): Promise<Extract> {
  const email = await parse(bytes)
  const html = email.html === undefined ? undefined : htmlContent(loadHtml(email.html))
  return {
    title: email.subject?.trim() || undefined,
    text: `${headText(email)}\n\n${bodyText(email, html?.text)}`.trim(),
    author: addressText(email.from),
    createdAt: isoDate(email.date),
    metadata: mailMetadata(email),
    tables: html?.tables ?? [],
    attachments: email.attachments.filter(isAttached).map(toAttachment),
  }
}

async function parse(bytes: Uint8Array): Promise<Email> {
  const email = await PostalMime.parse(bytes, { attachmentEncoding: 'arraybuffer', forceRfc822Attachments: true })
  if (email.from === undefined && email.subject === undefined && email.date === undefined) {
    throw new DocumentError('Corrupt', 'No e-mail: no sender, subject or date at its head')
  }
  return email
}

function bodyText(email: Email, htmlText: string | undefined): string {
  const plain = email.text?.trim().replaceAll('\r\n', '\n')
  return plain === undefined || plain === '' ? (htmlText ?? '') : plain
}

/** Who wrote to whom is looked for as often as what they wrote. */
function headText(email: Email): string {
  const lines = [
    ['From', addressText(email.from)],
    ['To', addressesText(email.to)],
    ['Cc', addressesText(email.cc)],
    ['Date', email.headers.find(({ key }) => key === 'date')?.value],
  ]
  return lines.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : [])).join('\n')
}

/** Pictures that belong to the HTML body are no documents of their own. */
function isAttached(part: MailPart): boolean {
  return !(part.related === true && part.mimeType.startsWith('image/'))
}

function toAttachment(part: MailPart, index: number): Attachment {
  const extension = part.mimeType === 'message/rfc822' ? '.eml' : ''
  const name = part.filename?.trim() || `attachment-${index + 1}${extension}`
  const bytes = typeof part.content === 'string' ? Buffer.from(part.content) : new Uint8Array(part.content)
  return { name, bytes }
}

function mailMetadata(email: Email): Record<string, string> {
  const entries = {
    from: addressText(email.from),
    to: addressesText(email.to),
    cc: addressesText(email.cc),
    messageId: email.messageId,
  }
  return Object.fromEntries(Object.entries(entries).flatMap(([key, value]) => (value ? [[key, value]] : [])))
}

function addressesText(addresses: readonly Address[] | undefined): string {
  return (addresses ?? []).map((address) => addressText(address)).join(', ')
}

function addressText(address: Address | undefined): string | undefined {
  if (address === undefined) return undefined
  if (address.group !== undefined) return address.group.map((mailbox) => addressText(mailbox)).join(', ')
  return address.name === '' ? address.address : `${address.name} <${address.address}>`
}
