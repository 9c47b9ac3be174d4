/** Where one URL of a list ends and the next begins; a comma alone may be part of a password. */
const BETWEEN_URLS = /,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i
const SECRET_PARAMETER = /([?&][^=&#]*(?:pass|pwd|secret|token|key|user|credential|auth)[^=&#]*=)[^&#]*/gi

/** A URL, or a list of them, as it may be shown: without user, password and secret parameters. */
export function redactUrl(urls: string): string {
  return urls.split(BETWEEN_URLS).map(redactOne).join(',')
}

function redactOne(url: string): string {
  const end = url.lastIndexOf('@')
  const start = url.indexOf('//')
  const front = start >= 0 ? `${url.slice(0, start)}//` : ''
  const shown = end > start ? `${front}***${url.slice(end)}` : url
  return shown.replace(SECRET_PARAMETER, '$1***')
}
