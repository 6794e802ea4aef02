/**
 * Every environment variable, once: what is allowed (`title`), what it means (`description`), its default. Start-up,
 * `.env.example` and the table in README.md are all made from this. `writeOnly` marks secrets: each may also come from a
 * file that `NAME_FILE` names. `unset` says what happens without a value, where there is no plain default.
 */
import { jwtAlgorithms } from '../token/signing-keys.js'
import { type Static, Type } from '../typebox.js'

const TIME_SPAN = 'a time span such as 90 seconds or 14 days'

const oneOf = (values: readonly string[]): string => `one of ${values.join(', ')}`
const profiles = ['default', 'devise', 'slow-network', 'sequential'] as const
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const variables = Type.Object({
  HOST: Type.String({
    default: '127.0.0.1',
    title: 'an address or host name',
    description: 'Address to listen on; `0.0.0.0` in a container; `localhost` is 127.0.0.1',
  }),
  PORT: Type.Integer({
    default: 7171,
    minimum: 0,
    maximum: 65535,
    title: 'a whole number from 0 to 65535',
    description: 'Port to listen on; 0 takes a free one',
  }),
  COUNTERSIGN_SOCKET: Type.Optional(
    Type.String({
      format: 'socket-path',
      title: 'a path of at most 103 bytes',
      description: 'A unix socket to listen on instead',
      unset: 'HOST and PORT',
    }),
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      writeOnly: true,
      title: 'a redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// URL',
      description:
        'The Redis to use: `redis://user:password@host:6379/0`, `rediss://host?ca=/path/ca.pem`, `unix:///path/redis.sock`, `redis+sentinel://h1,h2,h3/name`, `redis+cluster://h1,h2`',
      unset: 'a private embedded Redis',
    }),
  ),
  COUNTERSIGN_DATA_DIR: Type.String({
    default: 'data',
    title: 'a path',
    description: 'Folder of the embedded Redis, generated keys and location databases',
  }),
  COUNTERSIGN_KEYS: Type.Optional(
    Type.String({
      writeOnly: true,
      title: 'a list of id:key, each id from 0 to 255 and each key 32 random bytes in base64url',
      description: 'The master keys that tokens are signed with, separated by commas, the current one first',
      unset: 'generated with the embedded Redis, otherwise required',
    }),
  ),
  COUNTERSIGN_ADMIN_PASSWORD: Type.Optional(
    Type.String({
      writeOnly: true,
      minLength: 8,
      title: 'at least 8 characters',
      description: 'Password that the account `admin` gets at the first start',
      unset: 'generated and printed once',
    }),
  ),
  COUNTERSIGN_SIGN_UP: Type.Enum(['closed', 'open'], {
    default: 'closed',
    title: oneOf(['closed', 'open']),
    description: 'Whether anyone may create an account at `POST /auth`',
  }),
  COUNTERSIGN_ROTATION: Type.Enum([...profiles], {
    default: 'default',
    title: oneOf(profiles),
    description:
      'How tokens rotate: `devise` has a leeway of 5 s, `slow-network` rotates after 15 s with a leeway of 30 s, `sequential` rotates at every request and suits only clients that send one at a time',
  }),
  COUNTERSIGN_ROTATE_AFTER: Type.Optional(
    Type.String({
      format: 'time-span-or-zero',
      title: `${TIME_SPAN}, or 0 for every request`,
      description: 'A token younger than this is not replaced',
      unset: '5 seconds, by the profile',
    }),
  ),
  COUNTERSIGN_LEEWAY: Type.Optional(
    Type.String({
      format: 'time-span-or-zero',
      title: `${TIME_SPAN}, or 0, and at most twice COUNTERSIGN_ROTATE_AFTER`,
      description: 'How long a replaced token stays good once its successor was seen',
      unset: '10 seconds, by the profile',
    }),
  ),
  COUNTERSIGN_REISSUE_AFTER: Type.Optional(
    Type.String({
      format: 'time-span',
      title: TIME_SPAN,
      description:
        'How long a new token may stay unseen before another is handed out; longer than the slowest response',
      unset: '60 seconds, by the profile',
    }),
  ),
  COUNTERSIGN_ON_REPLAY: Type.Optional(
    Type.Enum(['revoke', 'reject'], {
      title: oneOf(['revoke', 'reject']),
      description: 'What a copied token does when it shows up: end the session, or only be refused',
      unset: 'revoke',
    }),
  ),
  COUNTERSIGN_IDLE_LIFE: Type.String({
    default: '14 days',
    format: 'time-span',
    title: TIME_SPAN,
    description: 'A session that is not used for so long ends',
  }),
  COUNTERSIGN_ABSOLUTE_LIFE: Type.String({
    default: '90 days',
    format: 'time-span',
    title: TIME_SPAN,
    description: 'A session ends after this in any case',
  }),
  COUNTERSIGN_MAX_SESSIONS: Type.Integer({
    default: 10,
    minimum: 1,
    maximum: 100_000,
    title: 'a whole number from 1 to 100000',
    description: 'Sessions an account may have; the least recently used goes first',
  }),
  COUNTERSIGN_ISSUER: Type.Optional(
    Type.String({
      format: 'web-url',
      title: 'an http or https URL without query and fragment',
      description: 'The URL by which others know this service, in JWTs and metadata',
      unset: 'made from HOST and PORT',
    }),
  ),
  COUNTERSIGN_PUSH_CONTACT: Type.Optional(
    Type.String({
      format: 'contact',
      title: 'a mailto: address or an https URL',
      description: 'How push services reach whoever runs this service',
      unset: 'the issuer where it is https, else `postmaster` at its host',
    }),
  ),
  COUNTERSIGN_JWT_ALG: Type.Enum([...jwtAlgorithms], {
    default: 'EdDSA',
    title: oneOf(jwtAlgorithms),
    description: 'How new JWTs are signed',
  }),
  COUNTERSIGN_JWT_SECRET: Type.Optional(
    Type.String({
      writeOnly: true,
      title: 'at least 32 random bytes',
      description: 'The secret for `HS256`',
      unset: 'none; required with HS256',
    }),
  ),
  COUNTERSIGN_JWT_MAX_LIFE: Type.String({
    default: '1 year',
    format: 'time-span',
    title: TIME_SPAN,
    description: 'The longest life of a JWT that a user may ask for',
  }),
  COUNTERSIGN_TRUST_PROXY: Type.String({
    default: '',
    format: 'addresses',
    title: 'a list of IP addresses or CIDR ranges',
    description: 'Gateways whose `X-Forwarded-For` is believed',
    unset: 'none',
  }),
  COUNTERSIGN_CORS_ORIGINS: Type.String({
    default: '',
    format: 'origins',
    title: 'a list of origins such as https://app.example.com',
    description: 'Web origins whose pages may call this service',
    unset: 'none',
  }),
  COUNTERSIGN_GEO_DB: Type.Optional(
    Type.String({
      title: 'a list of paths',
      description: 'Location databases (`.mmdb`) or folders of them, separated by commas',
      unset: '`geo` in the data folder',
    }),
  ),
  COUNTERSIGN_WORKERS: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 64,
    title: 'a whole number from 1 to 64',
    description: 'Processes that share the port, one a core at most; several can be restarted one by one',
  }),
  LOG_LEVEL: Type.Enum([...logLevels], {
    default: 'info',
    title: oneOf(logLevels),
    description: 'What is logged, as JSON on standard output; in a terminal, for people',
  }),
})

export type Variables = Static<typeof variables>
