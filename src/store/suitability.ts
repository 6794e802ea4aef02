/** Whether a Redis can hold sessions, judged by what it says about itself in INFO (which managed services allow, unlike CONFIG). */

export interface Suitability {
  version: string
  /** What is wrong, with how to mend it; undefined when it will do. */
  problem: string | undefined
  /** What works, but loses data. */
  warning: string | undefined
}

/** The first release with what the scripts use. */
const OLDEST_MAJOR = 7

/** @param info the reply of INFO, all default sections */
export function judgeServer(info: string): Suitability {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
  const version = field('redis_version') ?? 'of unknown version'
  const policy = field('maxmemory_policy') ?? 'noeviction'
  let problem: string | undefined
  if (Number.parseInt(version, 10) < OLDEST_MAJOR)
    problem = `this is Redis ${version}; use Redis or Valkey ${OLDEST_MAJOR}.0 or newer`
  else if (policy !== 'noeviction')
    problem = `this Redis evicts keys when its memory is full (maxmemory-policy ${policy}), which would end sessions at random and bring revoked ones back. Set it with "CONFIG SET maxmemory-policy noeviction" and in redis.conf, or in your provider's parameters`
  const durable = field('aof_enabled') !== '0'
  return {
    version,
    problem,
    warning: durable
      ? undefined
      : 'this Redis keeps no append-only file: sessions opened since its last snapshot are lost when it restarts. Set appendonly yes, unless replicas are enough for you',
  }
}
