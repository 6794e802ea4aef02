/**
 * `npm run demo`: signs in on all three dialects and shows what goes over the wire. It runs a service and a Redis of its
 * own, on a free port and in a temporary folder; both end with it. `NO_COLOR` takes the colours away.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const PASSWORD = 'correct horse battery'
const ISSUER = 'https://tokens.example'

const startedAt = performance.now()
const paint = (code) => (text) => (process.env.NO_COLOR ? text : `\x1b[${code}m${text}\x1b[0m`)
const [bold, dim, red, green, yellow, blue, cyan] = [1, 2, 31, 32, 33, 34, 36].map(paint)

process.stdout.on('error', () => {}) // nobody reads on; what was started is ended all the same
const dataDir = await mkdtemp(join(tmpdir(), 'countersign-demo-'))
let service
try {
  service = await startService()
  await devise()
  await gigadrive()
  await specter()
  await trail()
} finally {
  await service?.stop()
  await rm(dataDir, { recursive: true, force: true })
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
say(`\n${bold('That was it:')} ${dim(`${seconds} s; the service, its Redis and their folder are gone.`)}`)

async function devise() {
  title('devise_token_auth', 'every validation hands out the next token')
  note('A browser signs in.')
  const signedIn = await send('POST', '/auth/sign_in', {
    json: { uid: 'admin', password: PASSWORD },
    show: ['access-token', 'client', 'uid'],
  })
  const credentials = (token) => ({
    'access-token': token,
    client: signedIn.headers.get('client'),
    uid: 'admin',
  })
  const first = signedIn.headers.get('access-token')
  const validate = (token) =>
    send('GET', '/auth/validate_token', { headers: credentials(token), show: ['access-token'] })

  note('It presents the token, and is handed out the next.')
  const second = (await validate(first)).headers.get('access-token')
  note(
    'Had that answer been lost, the first token would still be good. But the browser shows that it has the second:',
  )
  const third = (await validate(second)).headers.get('access-token')
  note('Somebody has copied the first token. It was replaced, its successor was seen: that is theft …')
  await validate(first)
  note('… and ends the session for thief and owner alike.')
  await validate(third)
}

async function gigadrive() {
  title('Gigadrive', 'where am I signed in?')
  note('A phone and a laptop sign in.')
  const open = async (userAgent) => {
    const { json } = await send('POST', '/token', {
      json: { uid: 'admin', password: PASSWORD },
      headers: { 'user-agent': userAgent },
      body: ({ id, userAgent, expiry, kind }) => ({ id, userAgent, expiry, kind }),
    })
    return { authorization: `Bearer ${json.id}`, 'user-agent': userAgent }
  }
  const phone = await open('Phone')
  const laptop = await open('Laptop')
  note('The laptop lists both. Its own id is the token that it holds; that of the phone is only a name.')
  const listed = await send('GET', '/token', {
    headers: laptop,
    body: (tokens) => tokens.map(({ id, userAgent, current }) => ({ id, userAgent, current })),
  })
  note('The phone is lost.')
  const { id } = listed.json.find(({ current }) => !current)
  await send('DELETE', '/token', { headers: laptop, json: { id } })
  await send('POST', '/token/verify', { headers: phone })
}

async function specter() {
  title('Specter', 'JWTs with a description and a life')
  note('A script gets a token of its own.')
  const basic = { authorization: `Basic ${btoa(`admin:${PASSWORD}`)}` }
  const { json } = await send('POST', '/api/v1alpha/token', {
    headers: basic,
    json: { jwt_token_description: 'Token specter', jwt_token_life: '6 hours' },
  })
  note('Any service can verify it offline, by the published keys. Here is what jose makes of it:')
  const keys = createRemoteJWKSet(new URL(`${service.url}/.well-known/jwks.json`))
  const { payload, protectedHeader } = await jwtVerify(json.jwt_token, keys, {
    issuer: ISSUER,
    typ: 'pat+jwt',
  })
  say(`  ${cyan(shorten(JSON.stringify({ ...protectedHeader, sub: payload.sub, exp: payload.exp })))}`)
  note('Whoever asks the service learns at once when it is deleted.')
  const bearer = { authorization: `Bearer ${json.jwt_token}` }
  await send('POST', '/token/verify', { headers: bearer, body: ({ status }) => ({ status }) })
  await send('DELETE', `/api/v1alpha/token/${json.jwt_token_id}`, { headers: basic })
  await send('POST', '/token/verify', { headers: bearer })
}

async function trail() {
  title('The audit trail', 'one entry an act')
  say('')
  const headers = { authorization: `Basic ${btoa(`admin:${PASSWORD}`)}` }
  const { events } = await (await fetch(`${service.url}/events`, { headers })).json()
  for (const { at, type, kind = '', reason = '', uid = '' } of events) {
    const colour = type === 'session.replayed' ? red : type.endsWith('ended') ? yellow : green
    say(
      `  ${dim(at.slice(11, 23))}  ${colour(type.padEnd(17))} ${uid.padEnd(6)} ${kind.padEnd(9)} ${dim(reason)}`,
    )
  }
}

/** Sends a request and shows it with its answer: the headers named by `show`, and what `body` takes of the JSON. */
async function send(method, path, { headers = {}, json, show = [], body = (all) => all }) {
  const answer = await fetch(service.url + path, {
    method,
    headers: { ...headers, ...(json && { 'content-type': 'application/json' }) },
    ...(json && { body: JSON.stringify(json) }),
  })
  const text = await answer.text()
  const received = text === '' ? undefined : JSON.parse(text)
  const sent = Object.entries(headers).filter(([name]) => ['authorization', 'access-token'].includes(name))
  const hidden = json && { ...json, ...(json.password && { password: '…' }) }
  say(`  ${blue('→')} ${bold(`${method} ${path}`)} ${dim(shorten(hidden ? JSON.stringify(hidden) : ''))}`)
  for (const [name, value] of sent) say(`    ${dim(`${name}: ${shorten(value)}`)}`)
  say(`  ${blue('←')} ${(answer.ok ? green : red)(`${answer.status} ${answer.statusText}`)}`)
  for (const name of show)
    if (answer.headers.has(name)) say(`    ${cyan(`${name}: ${shorten(answer.headers.get(name))}`)}`)
  if (received !== undefined) say(`    ${shorten(JSON.stringify(answer.ok ? body(received) : received))}`)
  return { headers: answer.headers, json: received }
}

/** Tokens, keys and credentials by their first few characters: enough to tell one from another. */
function shorten(text) {
  return text
    .replaceAll(/(cst_[\w-]{6})[\w-]{43}([\w-]{6})/g, '$1…$2')
    .replaceAll(/(eyJ[\w-]{6})[\w-]+\.[\w-]+\.[\w-]+([\w-]{6})/g, '$1…$2')
    .replaceAll(/(?<="kid":"[\w-]{6})[\w-]+/g, '…')
    .replaceAll(/(?<=^Basic \S{4})\S+/g, '…')
}

function title(name, about) {
  say(`\n${bold(yellow(name))} ${dim(about)}`)
}

function note(text) {
  say(`\n  ${text}`)
}

function say(text) {
  console.log(text)
}

/** The service as `npm start` runs it, but for where it keeps its data; every rotation is due at once. */
async function startService() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../dist/server.js', import.meta.url))], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: '0',
      COUNTERSIGN_DATA_DIR: dataDir,
      COUNTERSIGN_ADMIN_PASSWORD: PASSWORD,
      COUNTERSIGN_ISSUER: ISSUER,
      COUNTERSIGN_ROTATION: 'sequential',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill())
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGINT')
    await ended
  }
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
      await stop()
      await rm(dataDir, { recursive: true, force: true })
      process.exit(1)
    })
  let said = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += chunk
    const url = /listens on (http:\S+)/.exec(said)?.[1]
    if (url !== undefined) return { url, stop }
  }
  throw new Error(`the service did not start:\n${said}`)
}
