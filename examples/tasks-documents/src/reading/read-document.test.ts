import { expect, test } from 'vitest'
import { strToU8, zipSync } from 'fflate'
import { writeDocx } from '../../fixtures/write-docx.ts'
import { writeEmail } from '../../fixtures/write-email.ts'
import { writePdf } from '../../fixtures/write-pdf.ts'
import type { ReadDocument } from './document.ts'
import { readDocument, type ReadOutcome } from './read-document.ts'

const LIMITS = { maxCharacters: 100_000 }

function read(name: string, bytes: Uint8Array | string): Promise<ReadOutcome> {
  return readDocument(`/folder/${name}`, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, LIMITS)
}

async function readSound(name: string, bytes: Uint8Array | string): Promise<ReadDocument> {
  const { documents, failures } = await read(name, bytes)
  expect(failures).toEqual([])
  return documents[0]!
}

async function failureOf(name: string, bytes: Uint8Array | string): Promise<{ code: string; message: string }> {
  const { documents, failures } = await read(name, bytes)
  expect(documents).toEqual([])
  expect(failures).toHaveLength(1)
  expect(failures[0]!.path).toBe(`/folder/${name}`)
  return failures[0]!
}

test('reads the text, title, author and date of a PDF', async () => {
  const options = { title: 'The title', author: 'An author', createdAt: new Date('2023-05-06T07:08:09Z') }
  const document = await readSound(
    'a.pdf',
    await writePdf('# Heading\nFirst page of élan.\n---\nSecond page.', options),
  )
  expect(document).toMatchObject({
    type: 'pdf',
    title: 'The title',
    author: 'An author',
    createdAt: '2023-05-06T07:08:09.000Z',
    metadata: { pages: '2' },
  })
  expect(document.text).toBe('Heading\nFirst page of élan.\n\nSecond page.')
})

test('reads headings, paragraphs, tables and properties of a DOCX', async () => {
  const options = { title: 'Minutes', author: 'A & B', createdAt: new Date('2024-01-02T03:04:05Z') }
  const document = await readSound('a.docx', writeDocx('# Agenda\nFirst point.\n| Item | Price\n| Chair | 40', options))
  expect(document).toMatchObject({
    type: 'docx',
    title: 'Minutes',
    author: 'A & B',
    createdAt: '2024-01-02T03:04:05.000Z',
  })
  expect(document.text).toBe('Agenda\n\nFirst point.\n\nItem\tPrice\nChair\t40')
  expect(document.tables).toEqual([
    [
      ['Item', 'Price'],
      ['Chair', '40'],
    ],
  ])
})

test('reads the visible text of an HTML page and none of its scripts', async () => {
  const page = `<!doctype html><html lang="en"><head><title> A  page </title><meta name="author" content="Me">
    <meta name="date" content="2024-02-03"><style>p{}</style></head>
    <body><p>One<br>two</p><script>three()</script><ul><li>four<li>five</ul></body></html>`
  const document = await readSound('a.html', page)
  expect(document).toMatchObject({
    type: 'html',
    title: 'A page',
    author: 'Me',
    createdAt: '2024-02-03',
    language: 'en',
  })
  expect(document.text).toBe('One\ntwo\n\nfour\nfive')
})

test('reads an HTML page in the encoding it declares', async () => {
  const page = Buffer.from('<html><meta charset="iso-8859-5"><body>\xbc\xd8\xe0</body></html>', 'latin1')
  expect((await readSound('a.htm', page)).text).toBe('Мир')
})

test('survives a page nested deeper than the stack', async () => {
  const depth = 15_000
  const document = await readSound('deep.html', `${'<div>'.repeat(depth)}bottom${'</div>'.repeat(depth)}`)
  expect(document.text).toBe('bottom')
})

test('reads Markdown as rendered, with its front matter', async () => {
  const document = await readSound(
    'a.md',
    '---\ntitle: Front\nauthor: Me\ndate: 2024-05-06\n---\n# Heading\n\nSome *bold* [link](http://x.example).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n',
  )
  expect(document).toMatchObject({ type: 'markdown', title: 'Front', author: 'Me', createdAt: '2024-05-06' })
  expect(document.text).toBe('Heading\n\nSome bold link.\n\na\tb\n1\t2')
  expect(document.tables).toHaveLength(1)
})

test('front matter that is no YAML stays text', async () => {
  const document = await readSound('a.md', '---\n{ not: [closed\n---\nThe text.')
  expect(document.text).toContain('not: [closed')
  expect(document.text).toContain('The text.')
})

test.each([
  ['UTF-8', Buffer.from('Élan à Genève', 'utf8')],
  ['UTF-8 with a mark', Buffer.from('\ufeffÉlan à Genève', 'utf8')],
  ['UTF-16 little endian with a mark', Buffer.from('\ufeffÉlan à Genève', 'utf16le')],
  ['UTF-16 big endian with a mark', Buffer.from('\ufeffÉlan à Genève', 'utf16le').swap16()],
  ['UTF-16 without a mark', Buffer.from('Élan à Genève', 'utf16le')],
  ['Latin-1', Buffer.from('Élan à Genève', 'latin1')],
])('reads text in %s', async (_encoding, bytes) => {
  expect((await readSound('a.txt', bytes)).text).toBe('Élan à Genève')
})

test('tells the language of a text, and keeps silent about one too short to tell', async () => {
  expect((await readSound('a.txt', 'Le conseil municipal a décidé de suspendre le chantier du port.')).language).toBe(
    'fr',
  )
  expect((await readSound('a.txt', 'The council decided to suspend the works in the harbour.')).language).toBe('en')
  expect((await readSound('a.txt', 'Der Rat hat beschlossen, die Arbeiten im Hafen auszusetzen.')).language).toBe('de')
  expect((await readSound('a.txt', 'OK 12')).language).toBeUndefined()
})

test('reads an e-mail and each of its attachments as a document', async () => {
  const pdf = await writePdf('The attached page.', { title: 'Attached' })
  const inner = writeEmail({
    headers: { From: 'c@x.example', Subject: 'Inner', Date: 'Tue, 2 Jan 2024 10:00:00 +0000' },
    text: 'Deep inside.',
  })
  const outer = writeEmail({
    headers: {
      From: 'Ann <a@x.example>',
      To: 'Bob <b@x.example>',
      Subject: '=?utf-8?Q?D=C3=A9j=C3=A0?=',
      Date: 'Mon, 1 Jan 2024 10:00:00 +0100',
    },
    text: 'See the attachments.',
    attachments: [
      { name: 'same.pdf', mimeType: 'application/pdf', content: pdf },
      { name: 'same.pdf', mimeType: 'application/pdf', content: pdf },
      { name: 'broken.pdf', mimeType: 'application/pdf', content: pdf.subarray(0, 400) },
      { name: 'inner.eml', mimeType: 'message/rfc822', content: inner },
    ],
  })
  const { documents, failures } = await read('a.eml', outer)
  expect(documents.map(({ path, type, title }) => [path, type, title])).toEqual([
    ['/folder/a.eml', 'email', 'Déjà'],
    ['/folder/a.eml#same.pdf', 'pdf', 'Attached'],
    ['/folder/a.eml#same.pdf (2)', 'pdf', 'Attached'],
    ['/folder/a.eml#inner.eml', 'email', 'Inner'],
  ])
  expect(documents[0]).toMatchObject({
    text: 'From: Ann <a@x.example>\nTo: Bob <b@x.example>\nDate: Mon, 1 Jan 2024 10:00:00 +0100\n\nSee the attachments.',
    author: 'Ann <a@x.example>',
    createdAt: '2024-01-01T09:00:00.000Z',
    metadata: { to: 'Bob <b@x.example>' },
  })
  expect(failures).toEqual([
    { path: '/folder/a.eml#broken.pdf', code: 'Truncated', message: expect.any(String) as string },
  ])
})

test('mails within mails end at a depth', async () => {
  let mail = writeEmail({ headers: { From: 'a@x.example', Subject: 'level 0' }, text: 'innermost' })
  for (let level = 1; level < 8; level += 1) {
    const attachments = [{ name: 'inner.eml', mimeType: 'message/rfc822', content: mail }]
    mail = writeEmail({ headers: { From: 'a@x.example', Subject: `level ${level}` }, text: 'outer', attachments })
  }
  const { documents, failures } = await read('deep.eml', mail)
  expect(documents).toHaveLength(5)
  expect(failures).toMatchObject([{ code: 'Unsupported' }])
})

test('content wins over the extension', async () => {
  expect((await readSound('scan.txt', await writePdf('A page.'))).type).toBe('pdf')
  expect((await readSound('page', '<!DOCTYPE html><p>Hello</p>')).type).toBe('html')
  expect(
    (
      await readSound(
        'mail',
        'From: a@x.example\nTo: b@x.example\nSubject: Hi\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nText',
      )
    ).type,
  ).toBe('email')
  expect((await readSound('letter.docx.bak', writeDocx('A letter.'))).type).toBe('docx')
})

test('empty files', async () => {
  for (const name of ['a.pdf', 'a.docx', 'a.html', 'a.eml', 'a.md', 'a.txt']) {
    expect(await failureOf(name, '')).toMatchObject({ code: 'Empty' })
  }
})

test('encrypted files', async () => {
  expect(await failureOf('a.pdf', await writePdf('Secret.', { password: 'x' }))).toMatchObject({ code: 'Encrypted' })
  const compound = Buffer.concat([
    Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    Buffer.alloc(600),
    Buffer.from('EncryptedPackage', 'utf16le'),
  ])
  expect(await failureOf('a.docx', compound)).toMatchObject({ code: 'Encrypted' })
})

test('truncated files', async () => {
  const pdf = await writePdf('A page. '.repeat(200))
  expect(await failureOf('a.pdf', pdf.subarray(0, pdf.length / 2))).toMatchObject({ code: 'Truncated' })
  const docx = writeDocx('A paragraph. '.repeat(200))
  expect(await failureOf('a.docx', docx.subarray(0, docx.length - 200))).toMatchObject({ code: 'Truncated' })
})

test('corrupt files', async () => {
  expect(await failureOf('a.pdf', `%PDF-1.7\n${'garbage '.repeat(200)}\n%%EOF`)).toMatchObject({ code: 'Corrupt' })
  expect(await failureOf('a.pdf', 'a text')).toMatchObject({
    code: 'Corrupt',
    message: 'Has the extension .pdf and is none',
  })
  expect(await failureOf('a.docx', zipSync({ 'x.txt': strToU8('x') }))).toMatchObject({ code: 'Corrupt' })
  expect(await failureOf('a.eml', 'no headers at all')).toMatchObject({ code: 'Corrupt' })
  const xml = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>'
  const types =
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
  const broken = zipSync({ '[Content_Types].xml': strToU8(types), 'word/document.xml': strToU8(xml) })
  expect(await failureOf('b.docx', broken)).toMatchObject({ code: 'Corrupt' })
})

test('formats that are not read are named', async () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
  expect(await failureOf('a.png', png)).toEqual({
    path: '/folder/a.png',
    code: 'Unsupported',
    message: 'image/png is not read',
  })
  expect(await failureOf('a.txt', Buffer.from([1, 2, 3, 0, 0, 7, 1, 2, 200, 0, 5]))).toMatchObject({
    code: 'Unsupported',
  })
  const old = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)])
  expect(await failureOf('a.doc', old)).toMatchObject({
    code: 'Unsupported',
    message: expect.stringContaining('.docx') as string,
  })
})

test('a sound document without text says so', async () => {
  expect(await failureOf('a.pdf', await writePdf(''))).toMatchObject({
    code: 'NoText',
    message: expect.stringContaining('scan') as string,
  })
  expect(await failureOf('a.txt', '   \n')).toMatchObject({ code: 'NoText' })
})

test('an archive that unpacks beyond all bounds is refused', async () => {
  const bytes = writeDocx('A small document that claims to be a large one.')
  const entry = bytes.lastIndexOf('PK\u0001\u0002')
  bytes.writeUInt32LE(300 * 1024 * 1024, entry + 24)
  const { failures } = await read('bomb.docx', bytes)
  expect(failures).toMatchObject([{ code: 'TooLarge' }])
})

test('text beyond the limit is cut, and nothing of it breaks the index', async () => {
  const { documents } = await readDocument('/a.txt', Buffer.from('zero\0byte ' + 'x'.repeat(500)), {
    maxCharacters: 100,
  })
  expect(documents[0]!.text).toHaveLength(100)
  expect(documents[0]!.text).not.toContain('\0')
})

test('an abort is thrown with its reason, also from between the pages of a PDF', async () => {
  const pdf = await writePdf(Array.from({ length: 40 }, (_, page) => `Page ${page}`).join('\n---\n'))
  const controller = new AbortController()
  const reading = readDocument('/a.pdf', pdf, { ...LIMITS, signal: controller.signal })
  setImmediate(() => controller.abort(new Error('cancelled')))
  await expect(reading).rejects.toThrow('cancelled')
})
