import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { describeVariables } from '../src/config/describe.js'
import { configurationTable, envExample, TABLE_BEGIN, TABLE_END } from '../src/config/document.js'
import { readConfig } from '../src/config.js'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { inCheckout } from './support/checkout.js'

const DAY_MS = 86_400_000

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(env)
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}

t.test('an empty environment gives the documented defaults, frozen', async (t) => {
  const config = readConfig({})
  t.strictSame(config, {
    host: '127.0.0.1',
    port: 7171,
    socketPath: undefined,
    redisUrl: undefined,
    dataDir: 'data',
    masterKeys: undefined,
    adminPassword: undefined,
    signUp: 'closed',
    rotation: {
      rotateAfterMs: 5000,
      leewayMs: 10_000,
      reissueAfterMs: 60_000,
      reissues: 8,
      onReplay: 'revoke',
    },
    life: { idleMs: 14 * DAY_MS, absoluteMs: 90 * DAY_MS, maxSessions: 10 },
    issuer: 'http://127.0.0.1:7171',
    pushContact: 'mailto:postmaster@127.0.0.1',
    jwtAlgorithm: 'EdDSA',
    jwtSecret: undefined,
    jwtMaxLifeMs: 365.25 * DAY_MS,
    trustProxy: [],
    corsOrigins: [],
    geoPaths: ['data/geo'],
    workers: 1,
    logLevel: 'info',
  })
  for (const part of [
    config,
    config.rotation,
    config.life,
    config.trustProxy,
    config.corsOrigins,
    config.geoPaths,
  ])
    t.ok(Object.isFrozen(part))
})

t.test('empty values count as none, as compose files pass them', async (t) => {
  const env = Object.fromEntries(describeVariables().map(({ name }) => [name, '']))
  t.strictSame(readConfig(env), readConfig({}))
})

t.test('values of every sort are read', async (t) => {
  const keys = generateMasterKeys()
  const config = readConfig({
    HOST: '::1',
    PORT: '0',
    REDIS_URL: 'rediss://user:pw@h:1',
    COUNTERSIGN_KEYS: keys,
    COUNTERSIGN_DATA_DIR: '/srv/cs',
    COUNTERSIGN_IDLE_LIFE: '90',
    COUNTERSIGN_ABSOLUTE_LIFE: '2h',
    COUNTERSIGN_JWT_MAX_LIFE: '1.5 hours',
    COUNTERSIGN_JWT_ALG: 'HS256',
    COUNTERSIGN_JWT_SECRET: '0123456789abcdef0123456789abcdef',
    COUNTERSIGN_TRUST_PROXY: '10.0.0.0/8, ::1,192.168.1.7',
    COUNTERSIGN_CORS_ORIGINS: 'https://a.example,http://localhost:8080',
    COUNTERSIGN_ON_REPLAY: 'reject',
    COUNTERSIGN_REISSUE_AFTER: '2 minutes',
    COUNTERSIGN_PUSH_CONTACT: 'mailto:ops@example.com',
  })
  t.match(config, {
    port: 0,
    issuer: 'http://[::1]:0',
    pushContact: 'mailto:ops@example.com',
    geoPaths: ['/srv/cs/geo'],
    masterKeys: { currentId: 1 },
    life: { idleMs: 90_000, absoluteMs: 7_200_000 },
    jwtMaxLifeMs: 5_400_000,
    trustProxy: ['10.0.0.0/8', '::1', '192.168.1.7'],
    corsOrigins: ['https://a.example', 'http://localhost:8080'],
    rotation: { onReplay: 'reject', reissueAfterMs: 120_000 },
  })
})

t.test('push services are told the issuer, or else a postmaster', async (t) => {
  for (const [issuer, contact] of [
    ['https://tokens.example.com/cs', 'https://tokens.example.com/cs'],
    ['http://tokens.example.com', 'mailto:postmaster@tokens.example.com'],
    ['https://localhost', 'mailto:postmaster@localhost'],
    ['http://[::1]:7171', 'mailto:postmaster@[::1]'],
  ] as const)
    t.equal(readConfig({ COUNTERSIGN_ISSUER: issuer }).pushContact, contact)
  t.equal(readConfig({ COUNTERSIGN_SOCKET: '/tmp/cs' }).pushContact, 'mailto:postmaster@localhost')
})

t.test('every problem at once, by name, with what is allowed', async (t) => {
  const wrong = {
    PORT: '99999',
    COUNTERSIGN_SOCKET: `/${'x'.repeat(200)}`,
    REDIS_URL: 'http://example.com',
    COUNTERSIGN_KEYS: '1:c2hvcnQ',
    COUNTERSIGN_ADMIN_PASSWORD: 'short',
    COUNTERSIGN_SIGN_UP: 'maybe',
    COUNTERSIGN_ROTATION: 'spin',
    COUNTERSIGN_ROTATE_AFTER: 'soon',
    COUNTERSIGN_REISSUE_AFTER: '0',
    COUNTERSIGN_ON_REPLAY: 'shrug',
    COUNTERSIGN_IDLE_LIFE: '-1 day',
    COUNTERSIGN_ABSOLUTE_LIFE: '200 years',
    COUNTERSIGN_MAX_SESSIONS: '0',
    COUNTERSIGN_PUSH_CONTACT: 'ops@example.com',
    COUNTERSIGN_ISSUER: 'https://a.example/?q',
    COUNTERSIGN_JWT_ALG: 'none',
    COUNTERSIGN_JWT_SECRET: 'tiny-secret',
    COUNTERSIGN_JWT_MAX_LIFE: '',
    COUNTERSIGN_TRUST_PROXY: '10.0.0.0/33',
    COUNTERSIGN_CORS_ORIGINS: 'https://a.example/',
    COUNTERSIGN_WORKERS: 'auto',
    LOG_LEVEL: 'loud',
  }
  const message = problemsOf(wrong)
  for (const { name, allowed } of describeVariables())
    if (name in wrong && wrong[name as keyof typeof wrong] !== '')
      t.ok(message.includes(`${name} must be ${allowed}`), `${name}: ${message}`)
  t.equal(message.split('\n').length, 1 + Object.values(wrong).filter(Boolean).length)
})

t.test('refused values', async (t) => {
  const refused: [keyof NodeJS.ProcessEnv, string[]][] = [
    ['PORT', ['x', '-1', '1.5', '65536']],
    ['COUNTERSIGN_IDLE_LIFE', ['0', '0 days', '-5', 'fortnight', '1e9 years', '14 days or so']],
    [
      'COUNTERSIGN_TRUST_PROXY',
      ['true', '*', 'loopback', '10.0.0.1/-1', '10.0.0.1/8/8', '::1/129', 'gateway'],
    ],
    ['COUNTERSIGN_CORS_ORIGINS', ['*', 'null', 'a.example', 'https://a.example/x', 'ftp://a.example']],
    ['COUNTERSIGN_ISSUER', ['a.example', 'ftp://a.example', 'https://u@a.example', 'https://a.example#f']],
    [
      'REDIS_URL',
      ['redis://', 'redis://a,b', 'redis+cluster://a/1', 'redis+sentinel://a', 'unix://h/p', 'redis://h?x=1'],
    ],
  ]
  for (const [name, values] of refused)
    for (const value of values)
      t.match(problemsOf({ [name]: value }), new RegExp(`- ${name} must be `), `${name}=${value}`)
})

t.test('an unknown variable is refused, with the nearest known name', async (t) => {
  const nearest: Record<string, string> = {
    COUNTERSIGN_SIGNUP: 'COUNTERSIGN_SIGN_UP',
    COUNTERSIGN_PORT: 'PORT',
    COUNTERSIGN_REDIS_URL: 'REDIS_URL',
    COUNTERSIGN_KEY: 'COUNTERSIGN_KEYS',
    COUNTERSIGN_KEYS_FIEL: 'COUNTERSIGN_KEYS_FILE',
    COUNTERSIGN_SIGN_UP_FILE: 'COUNTERSIGN_SIGN_UP',
    countersign_: '',
  }
  for (const [name, known] of Object.entries(nearest))
    t.equal(
      problemsOf({ [name]: 'x' }),
      known &&
        `Countersign cannot start with this configuration:\n  - ${name} is unknown; did you mean ${known}?`,
    )
})

t.test('secrets come from files, too, and are never repeated', async (t) => {
  const keys = generateMasterKeys()
  const dir = t.testdir({ keys: `${keys}\n`, short: 'hunter2\n' })
  const at = (name: string): string => join(dir, name)
  t.equal(readConfig({ COUNTERSIGN_KEYS_FILE: at('keys') }).masterKeys?.currentId, 1)
  writeFileSync(at('url'), 'redis://:hunter2hunter2@h\n')
  t.equal(
    readConfig({ REDIS_URL_FILE: at('url'), COUNTERSIGN_KEYS_FILE: at('keys') }).redisUrl,
    'redis://:hunter2hunter2@h',
  )
  t.match(problemsOf({ COUNTERSIGN_KEYS: keys, COUNTERSIGN_KEYS_FILE: at('keys') }), /both set/)
  t.match(
    problemsOf({ COUNTERSIGN_KEYS_FILE: at('none') }),
    /COUNTERSIGN_KEYS_FILE must be the path .*ENOENT/,
  )
  const bad = {
    COUNTERSIGN_ADMIN_PASSWORD_FILE: at('short'),
    COUNTERSIGN_JWT_SECRET: 'hunter2-hunter2',
    COUNTERSIGN_KEYS: '1:hunter2',
    REDIS_URL: 'redis://me:hunter2@h/nonsense',
  }
  const message = problemsOf(bad)
  for (const name of [
    'COUNTERSIGN_ADMIN_PASSWORD',
    'COUNTERSIGN_JWT_SECRET',
    'COUNTERSIGN_KEYS',
    'REDIS_URL',
  ])
    t.match(message, name)
  t.notMatch(message, 'hunter2')
})

t.test('an external Redis needs keys, HS256 its secret', async (t) => {
  t.match(problemsOf({ REDIS_URL: 'redis://h' }), /COUNTERSIGN_KEYS must be set when REDIS_URL is/)
  t.match(problemsOf({ COUNTERSIGN_JWT_ALG: 'HS256' }), /COUNTERSIGN_JWT_SECRET must be set/)
})

t.test('rotation: profiles, overrides, and a leeway of at most twice the gap', async (t) => {
  const rotation = (env: NodeJS.ProcessEnv) => {
    const { rotateAfterMs, leewayMs } = readConfig(env).rotation
    return [rotateAfterMs, leewayMs]
  }
  t.strictSame(rotation({ COUNTERSIGN_ROTATION: 'devise' }), [5000, 5000])
  t.strictSame(rotation({ COUNTERSIGN_ROTATION: 'slow-network' }), [15_000, 30_000])
  t.strictSame(rotation({ COUNTERSIGN_ROTATION: 'sequential' }), [0, 0])
  t.strictSame(rotation({ COUNTERSIGN_ROTATE_AFTER: '2' }), [2000, 4000], 'the leeway of the profile follows')
  t.strictSame(
    rotation({ COUNTERSIGN_ROTATE_AFTER: '30 s', COUNTERSIGN_LEEWAY: '1 minute' }),
    [30_000, 60_000],
  )
  for (const env of [
    { COUNTERSIGN_LEEWAY: '10.001' },
    { COUNTERSIGN_ROTATE_AFTER: '1', COUNTERSIGN_LEEWAY: '3' },
    { COUNTERSIGN_ROTATION: 'sequential', COUNTERSIGN_LEEWAY: '1' },
  ])
    t.match(problemsOf(env), /COUNTERSIGN_LEEWAY must be at most twice COUNTERSIGN_ROTATE_AFTER .*because/)
})

t.test('README.md and .env.example say what the schema says (npm run docs)', async (t) => {
  const read = (name: string): string => readFileSync(inCheckout(name), 'utf8')
  const table = read('README.md').split(TABLE_BEGIN)[1]?.split(TABLE_END)[0]
  t.equal(table?.trim(), configurationTable())
  t.equal(read('.env.example'), envExample())
})
