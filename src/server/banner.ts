/** What a person reads after the start: where it is, what it uses, and three commands that try it. */
import type { Place } from './listen.js'

export interface Started {
  place: Place
  /** Which Redis, in words. */
  redis: string
  admin: { created: boolean; password: string | undefined }
}

/** Where the commands keep what the service has handed out. */
const HEADERS = 'session.headers'

/** @returns the text, with a generated password in it if there is one: for the terminal, not for logs */
export function banner({ place, redis, admin }: Started): string {
  return `
Countersign listens on ${place.socketPath ?? place.url}
${redis}
${account(admin)}
Paste these to sign in, to validate, which hands out the next token, and to sign out${
    admin.password === undefined ? '\n(ADMIN_PASSWORD being the password of admin)' : ''
  }:

${commands(place, admin.password).join('\n\n')}
`
}

function account({ created, password }: Started['admin']): string {
  if (password !== undefined) return `\nThe password of admin, shown this once: ${password}\n`
  return created ? '\nThe account admin has the password that was configured.\n' : ''
}

/** Each line works by itself in the order given; the second and third read the headers that the one before has saved. */
function commands({ url, socketPath }: Place, password: string | undefined): string[] {
  const curl = `curl -sS -w '\\n'${socketPath === undefined ? '' : ` --unix-socket '${socketPath}'`}`
  const credentials = `grep -Ei '^(access-token|client|uid):' ${HEADERS}`
  const token = `grep -i '^access-token' ${HEADERS}`
  const secret = password === undefined ? '"password=$ADMIN_PASSWORD"' : `password=${password}`
  return [
    `${curl} -D ${HEADERS} -d uid=admin -d ${secret} ${url}/auth/sign_in && ${token}`,
    `${credentials} | ${curl} -D ${HEADERS} -H @- ${url}/auth/validate_token && ${token}`,
    `${credentials} | ${curl} -X DELETE -H @- ${url}/auth/sign_out`,
  ]
}
