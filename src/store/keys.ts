/**
 * Every Redis key is spelled here, with its type, its lifetime and who writes it. The type comes first, so that a
 * prefix can be tracked; `{tag}` is the Redis Cluster hash tag that keeps all keys of an account in one slot. Sessions have
 * no type: there are more of them than of all others, and a key of 30 characters takes 16 bytes less than one of 33.
 *
 * | key                        | type   | lives                           | written by                            |
 * |----------------------------|--------|---------------------------------|---------------------------------------|
 * | `cs:{tag}<handle>`         | hash   | idle life, absolute life        | open, present, revoke, revoke-all     |
 * | `cs:rv:{tag}:<handle>`     | string | as long as a token could, ≥ 1 h | open, present, revoke, revoke-all     |
 * | `cs:ps:{tag}:<handle>`     | string | as long as its session          | subscribe, and all of the above       |
 * | `cs:rv:{tag}:@<uid hash>`  | string | not at all: it is a signal      | accounts ("look again")               |
 * | `cs:u:{tag}:<uid hash>`    | zset   | its longest-living member       | open, present, revoke, revoke-all     |
 * | `cs:a:{tag}:<uid hash>`    | hash   | until deleted                   | accounts                              |
 * | `cs:ai:{tag}:<uid hash>`   | string | 2 s                             | accounts (intent to add login names)  |
 * | `cs:login:{tag}:<hash>`    | string | until deleted                   | accounts (tag and hash of that name)  |
 * | `cs:accounts`              | zset   | for ever                        | accounts (uid scored by account id)   |
 * | `cs:account-id`            | string | for ever                        | accounts (counter)                    |
 * | `cs:ua:<hash>`             | string | 200 days after its last use     | shared-facts (a user agent)           |
 * | `cs:geo:<ip>`              | string | 200 days after it was located   | shared-facts (a location)             |
 * | `cs:place:<hash>`          | string | 201 days after it was saved     | shared-facts (a location's words)     |
 * | `cs:geo-id`                | string | for ever                        | shared-facts (counter)                |
 * | `cs:events`                | stream | trimmed by length               | events                                |
 * | `cs:key-ring`              | string | for ever                        | key records (sealed)                  |
 * | `cs:vapid`                 | string | for ever                        | key records (sealed)                  |
 */
import { hash } from 'node:crypto'
import { canonicalName } from '../account.js'

/** Where an account's keys live: the hash tag (3 characters) and the hash of its uid (16 characters). */
export interface Place {
  tag: string
  uidHash: string
}

/** Derives an account's place from any spelling of its uid: SHA-256, 2 bytes for the tag, 12 others for the name. */
export function placeOf(uid: string): Place {
  const digest = Buffer.from(hash('sha256', `uid\0${canonicalName(uid)}`, 'hex'), 'hex')
  return { tag: digest.toString('base64url', 0, 2), uidHash: digest.toString('base64url', 2, 14) }
}

export const sessionKey = (tag: string, handle: string): string => `cs:{${tag}}${handle}`
/** How the near-caches are told that an account has changed: what stands where tombstones have a handle. */
export const accountSignal = (uid: string): string => `@${placeOf(uid).uidHash}`
/** All tombstones: the only tracked prefix. */
export const tombstonePrefix = 'cs:rv:'
export const tombstoneKey = (tag: string, handle: string): string => `${tombstonePrefix}{${tag}}:${handle}`
export const subscriptionKey = (tag: string, handle: string): string => `cs:ps:{${tag}}:${handle}`
export const sessionsOfKey = ({ tag, uidHash }: Place): string => `cs:u:{${tag}}:${uidHash}`
export const accountKey = ({ tag, uidHash }: Place): string => `cs:a:{${tag}}:${uidHash}`
export const accountIntentKey = ({ tag, uidHash }: Place): string => `cs:ai:{${tag}}:${uidHash}`
export const loginKey = ({ tag, uidHash }: Place): string => `cs:login:{${tag}}:${uidHash}`

export const accountIndexKey = 'cs:accounts'
export const accountIdKey = 'cs:account-id'
export const eventsKey = 'cs:events'
export const keyRingKey = 'cs:key-ring'
export const vapidKey = 'cs:vapid'

export const userAgentKey = (hash: string): string => `cs:ua:${hash}`
export const locationKey = (ip: string): string => `cs:geo:${ip}`
export const placeNameKey = (hash: string): string => `cs:place:${hash}`
export const locationIdKey = 'cs:geo-id'
