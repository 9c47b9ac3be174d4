import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { findProgram, runCommand } from './run-command.ts'

/** A certificate and its key, as PEM text and as files. */
export interface KeyPair {
  certificate: string
  key: string
  certificateFile: string
  keyFile: string
}

/** An authority made for one server, with a certificate for 127.0.0.1 and localhost and one for a client. */
export interface Certificates {
  /** What a client has to trust, as PEM. */
  authority: string
  authorityFile: string
  server: KeyPair
  client: KeyPair
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/**
 * Makes certificates with openssl, valid for a month.
 *
 * @throws Error when openssl is not installed.
 */
export async function createCertificates(folder: string): Promise<Certificates> {
  const openssl = findProgram('openssl')
  if (openssl === undefined) throw new Error('TLS needs the openssl program to make certificates: install it.')
  await mkdir(folder, { recursive: true })
  const run = (...parameters: string[]): Promise<string> =>
    runCommand(openssl, parameters, { workingDirectory: folder, timeoutMs: 30_000 })
  const subject = ['-subj', '/CN=ds test authority']
  await run('req', '-x509', ...curve, '-days', '30', ...subject, '-keyout', 'authority.key', '-out', 'authority.crt')
  const authorityFile = path.join(folder, 'authority.crt')
  return {
    authority: await readFile(authorityFile, 'utf8'),
    authorityFile,
    server: await issue(folder, 'server', run),
    client: await issue(folder, 'client', run),
  }
}

async function issue(
  folder: string,
  name: string,
  run: (...parameters: string[]) => Promise<string>,
): Promise<KeyPair> {
  const extensions = path.join(folder, `${name}.extensions`)
  await writeFile(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  await run('req', ...curve, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.request`)
  const authority = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial', '-days', '30']
  await run('x509', '-req', '-in', `${name}.request`, ...authority, '-extfile', extensions, '-out', `${name}.crt`)
  const [certificateFile, keyFile] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)]
  return {
    certificate: await readFile(certificateFile, 'utf8'),
    key: await readFile(keyFile, 'utf8'),
    certificateFile,
    keyFile,
  }
}
