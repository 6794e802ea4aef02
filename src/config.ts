/**
 * Environment → frozen settings. Every problem is reported at once, by variable name, with what is allowed; the value of
 * a secret is never repeated. The only file that reads the environment.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeVariables } from './config/describe.js'
import { formats, readList, readTimeSpan } from './config/formats.js'
import { nearestName } from './config/nearest-name.js'
import { readRotation } from './config/rotation.js'
import { type Variables, variables } from './config/schema.js'
import type { LifePolicy, RotationPolicy } from './session.js'
import { parseRedisUrl } from './store/redis-url.js'
import { type MasterKeys, parseMasterKeys } from './token/master-keys.js'
import { type JwtAlgorithm, parseJwtSecret } from './token/signing-keys.js'
import { type TSchema, Type, Value } from './typebox.js'

/** Everything that can be set, read and checked. */
export interface Settings {
  host: string
  port: number
  /** A unix socket to listen on instead of host and port. */
  socketPath: string | undefined
  /** Undefined: embedded. */
  redisUrl: string | undefined
  dataDir: string
  /** Undefined: with the embedded Redis, they are generated into the data folder. */
  masterKeys: MasterKeys | undefined
  adminPassword: string | undefined
  signUp: 'open' | 'closed'
  rotation: Readonly<RotationPolicy>
  life: Readonly<LifePolicy>
  issuer: string
  /** A `mailto:` or `https:` URI. */
  pushContact: string
  jwtAlgorithm: JwtAlgorithm
  jwtSecret: Buffer | undefined
  jwtMaxLifeMs: number
  /** Addresses and CIDR ranges. */
  trustProxy: readonly string[]
  corsOrigins: readonly string[]
  geoPaths: readonly string[]
  workers: number
  logLevel: Variables['LOG_LEVEL']
}

/** What the service is built from: the settings, with the keys in any case. */
export type Config = Readonly<Settings & { masterKeys: MasterKeys }>

/** Something about the configuration; the message is for the person who starts the service. */
export class ConfigProblem extends Error {
  constructor(problems: readonly string[]) {
    super(
      `Countersign cannot start with this configuration:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    )
  }
}

/** @throws ConfigProblem with every problem that there is */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Readonly<Settings> {
  const problems: string[] = []
  const given = collect(env, problems)
  const values = validate(given, problems)
  const settings = interpret(values, problems)
  if (problems.length > 0) throw new ConfigProblem(problems)
  return Object.freeze(settings)
}

/**
 * What verifying beside the service takes, in somebody else's process: the service's own variables, but for HOST, PORT and
 * LOG_LEVEL, which are that process's.
 *
 * @throws ConfigProblem with every problem that there is
 */
export function readVerifierConfig(env: NodeJS.ProcessEnv = process.env): Config & { redisUrl: string } {
  const ours = Object.entries(env).filter(([name]) => /^(COUNTERSIGN|REDIS)_/.test(name))
  const { redisUrl, masterKeys, ...settings } = readConfig(Object.fromEntries(ours))
  if (redisUrl === undefined || masterKeys === undefined || !env.COUNTERSIGN_ISSUER)
    throw new ConfigProblem([
      'REDIS_URL, COUNTERSIGN_KEYS and COUNTERSIGN_ISSUER must be what the service has',
    ])
  return Object.freeze({ ...settings, masterKeys, redisUrl })
}

/** Takes the known variables that have a value, secrets from their files; an empty value counts as none. */
function collect(env: NodeJS.ProcessEnv, problems: string[]): Record<string, string> {
  const known = describeVariables()
  const names = known.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]))
  for (const name of Object.keys(env))
    if (name.startsWith('COUNTERSIGN_') && !names.includes(name))
      problems.push(`${name} is unknown; did you mean ${nearestName(name, names)}?`)

  const given: Record<string, string> = {}
  for (const { name, secret } of known) {
    const value = env[name]
    const file = secret ? env[`${name}_FILE`] : undefined
    if (value && file) problems.push(`${name} and ${name}_FILE are both set; set one of them`)
    else if (value) given[name] = value
    else if (file)
      try {
        given[name] = readFileSync(file, 'utf8').trim()
      } catch (error) {
        const why = error instanceof Error && 'code' in error ? error.code : error
        problems.push(`${name}_FILE must be the path of a readable file (${why})`)
      }
  }
  return given
}

/** @returns valid values for all variables: a wrong one is reported, and its default stands in for the further checks */
function validate(given: Record<string, string>, problems: string[]): Variables {
  const right: Record<string, string | number> = {}
  for (const [name, schema] of Object.entries<TSchema & { format?: string }>(variables.properties)) {
    const text = given[name]
    if (text === undefined) continue
    const value = Type.IsInteger(schema) ? Number(text) : text
    const isWellFormed = schema.format === undefined ? undefined : formats[schema.format]
    if (Value.Check(schema, value) && isWellFormed?.(text) !== false) right[name] = value
    else problems.push(mustBe(name))
  }
  return Value.Default(variables, right) as Variables // each value has been checked
}

const mustBe = (name: string): string =>
  `${name} must be ${describeVariables().find((variable) => variable.name === name)?.allowed}`

function interpret(values: Variables, problems: string[]): Settings {
  /** Reads what a schema cannot describe; the reader says what is wrong without repeating the value. */
  function attempt<T>(name: keyof Variables, read: (text: string) => T): T | undefined {
    const value = values[name]
    if (value === undefined) return undefined
    try {
      return read(String(value))
    } catch (error) {
      problems.push(`${mustBe(name)}: ${error instanceof Error ? error.message : error}`)
      return undefined
    }
  }
  attempt('REDIS_URL', parseRedisUrl)
  if (values.REDIS_URL !== undefined && values.COUNTERSIGN_KEYS === undefined)
    problems.push(
      `COUNTERSIGN_KEYS must be set when REDIS_URL is: all instances share it, and Redis must not hold it. Make one with: node -p "'1:' + crypto.randomBytes(32).toString('base64url')"`,
    )
  if (values.COUNTERSIGN_JWT_ALG === 'HS256' && values.COUNTERSIGN_JWT_SECRET === undefined)
    problems.push('COUNTERSIGN_JWT_SECRET must be set when COUNTERSIGN_JWT_ALG is HS256')

  const { HOST, PORT, COUNTERSIGN_SOCKET: socketPath, COUNTERSIGN_DATA_DIR: dataDir } = values
  const host = HOST.includes(':') ? `[${HOST}]` : HOST
  const issuer =
    values.COUNTERSIGN_ISSUER ?? (socketPath === undefined ? `http://${host}:${PORT}` : 'http://localhost')
  return {
    host: HOST,
    port: PORT,
    socketPath,
    redisUrl: values.REDIS_URL,
    dataDir,
    masterKeys: attempt('COUNTERSIGN_KEYS', parseMasterKeys),
    adminPassword: values.COUNTERSIGN_ADMIN_PASSWORD,
    signUp: values.COUNTERSIGN_SIGN_UP,
    rotation: Object.freeze(readRotation(values, problems)),
    life: Object.freeze({
      idleMs: readTimeSpan(values.COUNTERSIGN_IDLE_LIFE),
      absoluteMs: readTimeSpan(values.COUNTERSIGN_ABSOLUTE_LIFE),
      maxSessions: values.COUNTERSIGN_MAX_SESSIONS,
    }),
    issuer,
    pushContact: values.COUNTERSIGN_PUSH_CONTACT ?? contactAt(issuer),
    jwtAlgorithm: values.COUNTERSIGN_JWT_ALG,
    jwtSecret: attempt('COUNTERSIGN_JWT_SECRET', parseJwtSecret),
    jwtMaxLifeMs: readTimeSpan(values.COUNTERSIGN_JWT_MAX_LIFE),
    trustProxy: Object.freeze(readList(values.COUNTERSIGN_TRUST_PROXY)),
    corsOrigins: Object.freeze(readList(values.COUNTERSIGN_CORS_ORIGINS)),
    geoPaths: Object.freeze(readList(values.COUNTERSIGN_GEO_DB ?? join(dataDir, 'geo'))),
    workers: values.COUNTERSIGN_WORKERS,
    logLevel: values.LOG_LEVEL,
  }
}

/** Every domain that sends mail has a postmaster (RFC 5321 section 4.5.1). */
function contactAt(issuer: string): string {
  const { protocol, hostname } = new URL(issuer)
  return protocol === 'https:' && hostname !== 'localhost' ? issuer : `mailto:postmaster@${hostname}`
}
