/** Unmodified HTTP clients: axios as Gigadrive's own client uses it, curl as Specter's document does, jose with our keys. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import axios, { type AxiosError } from 'axios'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { ada, startService, type TestService } from './support/service.js'

const admin = { uid: 'admin', provider: 'local', password: 'password' } as const
const run = promisify(execFile)

async function start(t: Test, env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(t, { env })
  await service.addAccount()
  await service.addAccount(admin)
  return service
}

/** What Gigadrive's client makes of a service: one object of parameters, sent as JSON by every verb, GET included. */
function gigadriveClient(baseURL: string, token?: string) {
  return async (method: 'GET' | 'POST' | 'DELETE', path: string, data: object = {}) => {
    try {
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
      const { data: value } = await axios({ baseURL, method, url: path, data, headers })
      if (value?.error) throw new Error(value.error)
      return value
    } catch (error) {
      const { response } = error as AxiosError<{ error?: string }>
      throw new Error(response?.data?.error ?? 'An error occurred.')
    }
  }
}

t.test('axios, as the client of Gigadrive uses it', async (t) => {
  const service = await start(t)
  for (const base of [service.url, `${service.url}/api`]) {
    const anonymous = gigadriveClient(base)
    const login = { email: ada.email, password: ada.password }
    const [phone, laptop] = [
      await anonymous('POST', '/token', login),
      await anonymous('POST', '/token', login),
    ]
    const client = gigadriveClient(base, laptop.id)
    const { user } = await client('POST', '/token/verify')
    t.match(user, { uid: ada.uid, suspended: false })

    const tokens: { id: string; current: boolean }[] = await client('GET', '/token')
    t.equal(tokens.length, 2)
    t.ok(tokens.find(({ id }) => id === laptop.id)?.current, 'it finds the current one by its own bearer')
    const other = tokens.find(({ id }) => id !== laptop.id)
    t.equal(await client('DELETE', '/token', { id: other?.id }), '')
    await t.rejects(gigadriveClient(base, phone.id)('POST', '/token/verify'), { message: 'Invalid token' })
    await t.rejects(client('DELETE', '/token'), { message: "'id' is required." })
    await t.rejects(anonymous('GET', '/token'), { message: 'Invalid token' })
    t.equal(await client('DELETE', '/token', { id: laptop.id }), '')
    await t.rejects(client('GET', '/token'), { message: 'Invalid token' })
  }
})

/** The commands of Specter's document, word for word; only its host, its id and one of its passwords are filled in. */
const post = `curl -u admin:password --location --request POST 'http://127.0.0.1:25441/api/v1alpha/token' \\
--header 'Content-Type: application/json' \\
-d '{
    "jwt_token_description": "Token specter",
    "jwt_token_life": "6 hours"
}'`
const get = `curl -u admin:secret --location --request GET 'http://127.0.0.1:25441/api/v1alpha/token/<jwt_token_id>'`
const del = `curl -u admin:secret --location --request DELETE 'http://127.0.0.1:25441/api/v1alpha/token/<jwt_token_id>'`

const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
)

t.test('curl, as the document of Specter uses it', { skip: !hasCurl && 'there is no curl' }, async (t) => {
  const service = await start(t)
  const paste = async (command: string, id = '') => {
    const filled = command
      .replace('127.0.0.1:25441', `127.0.0.1:${service.port}`)
      .replace('<jwt_token_id>', id)
      .replace('admin:secret', 'admin:password')
    const { stdout } = await run('sh', [
      '-c',
      `${filled} --silent --write-out ' %{http_code} %{num_redirects}'`,
    ])
    const [, body = '', status, redirects] = /^(.*) (\d+) (\d+)$/s.exec(stdout) ?? []
    t.equal(redirects, '0', 'no detour')
    return { status: Number(status), body: JSON.parse(body) }
  }
  for (const variant of [
    (command: string) => command,
    (command: string) => command.replace('/api/', '/'),
    (command: string) => command.replace(/(v1alpha[^']*)'/, "$1/'"),
  ]) {
    const made = await paste(variant(post))
    t.equal(made.status, 201)
    const { jwt_token_id: id, jwt_token: jwt, ...rest } = made.body
    t.strictSame(rest, {
      message: 'Token generated',
      jwt_token_description: 'Token specter',
      jwt_token_life: 21_600,
    })
    t.match(jwt, /^eyJ/)
    const shown = await paste(variant(get), id)
    t.equal(shown.status, 200)
    t.match(shown.body, { message: 'Tokens exists', jwt_token_life: 21_600, expiry_status: 'Valid' })
    t.strictSame(await paste(variant(del), id), { status: 200, body: { message: 'Token deleted' } })
    t.equal((await paste(variant(get), id)).status, 404)
  }
})

t.test('jose, with nothing but the published keys', async (t) => {
  const issuer = 'https://tokens.example'
  const service = await start(t, { COUNTERSIGN_ISSUER: issuer })
  const auth = { username: admin.uid, password: admin.password }
  const manage = axios.create({ baseURL: `${service.url}/v1alpha/token`, auth })
  const asked = { jwt_token_description: 'Token specter', jwt_token_life: '6 hours' }
  const { jwt_token: jwt, jwt_token_id: id } = (await manage.post('', asked)).data
  const keys = createRemoteJWKSet(new URL(`${service.url}/.well-known/jwks.json`))
  const verify = (token: string) =>
    jwtVerify(token, keys, { issuer, subject: admin.uid, typ: 'pat+jwt', algorithms: ['EdDSA'] })

  const { payload } = await verify(jwt)
  t.strictSame(payload, {
    username: 'admin',
    jwt_token_id: id,
    jwt_token_description: 'Token specter',
    exp: (payload.iat ?? 0) + 21_600,
    iat: payload.iat,
    iss: issuer,
    sub: 'admin',
    jti: id,
  })
  const [header, claims, signature] = jwt.split('.')
  const root = Buffer.from(JSON.stringify({ ...payload, sub: 'root' })).toString('base64url')
  await t.rejects(verify(`${header}.${root}.${signature}`), errors.JWSSignatureVerificationFailed)
  await t.rejects(verify(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`))

  await manage.delete(`/${id}`)
  await verify(jwt) // who verifies offline learns of it when it expires
  const bearer = gigadriveClient(service.url, jwt)
  await t.rejects(bearer('POST', '/token/verify'), { message: 'Invalid token' }, 'we know at once')
})
