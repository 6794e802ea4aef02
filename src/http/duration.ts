/**
 * Reads the lives of Specter tokens: "6 hours", "1h30m", "1 hr, 30 min", "1:02:03", 3600.
 *
 *     life   = [sign] ( number | parts | [week] [day] clock )
 *     parts  = [week] [day] [hour] [minute] [second]            at least one, each with its unit, in this order
 *     clock  = [[[days:]HH:]MM]:SS                              M:SS is minutes and seconds
 *
 * Case and spaces do not matter; a comma or a slash may stand between two parts. A number alone is seconds.
 */

/** Longer than any sensible life; bounds the work on hostile input, which is linear anyway. */
const LONGEST_LIFE = 100

const SECONDS = { week: 604_800, day: 86_400, hour: 3_600, minute: 60, second: 1 } as const

const SIGN = /^\s*([+-]?)\s*/
const BARE_NUMBER = /^(?:\d+\.?\d*|\.\d+)$/
/** One number with its unit, what separates it from the next part included; each unit is in a group of its own. */
const PART =
  /(\d+\.?\d*|\.\d+)\s*(?:(w|wks?|weeks?)|(d|dys?|days?)|(h|hrs?|hours?)|(m|mins?|minutes?)|(s|secs?|seconds?))(?![a-z])\s*([,/]?)\s*/y
const UNITS = ['week', 'day', 'hour', 'minute', 'second'] as const
const CLOCK = /^(?:(?:(?:(\d+):)?(\d+):)?(\d{1,2}))?:(\d\d(?:\.\d+)?)$/

/**
 * Reads a life as it came in JSON. Zero, negative and enormous lives are lives, too: whether one is allowed is for
 * the caller to say.
 *
 * @returns seconds, with a fraction only when the seconds were written with one; undefined when it is no life at all
 */
export function parseLife(life: unknown): number | undefined {
  if (typeof life === 'number') return Number.isFinite(life) ? life : undefined
  if (typeof life !== 'string' || life.length > LONGEST_LIFE) return undefined
  const [lead = '', sign] = SIGN.exec(life) ?? []
  const unsigned = life.slice(lead.length).trimEnd().toLowerCase()
  const seconds = BARE_NUMBER.test(unsigned) ? Number(unsigned) : readParts(unsigned)
  return sign === '-' && seconds !== undefined ? -seconds : seconds
}

function readParts(text: string): number | undefined {
  let whole = 0
  let rank = -1
  let at = 0
  for (PART.lastIndex = 0; at < text.length; at = PART.lastIndex) {
    const part = PART.exec(text)
    if (part === null) break
    const unit = UNITS.findIndex((_, index) => part[index + 2] !== undefined)
    const name = UNITS[unit]
    if (name === undefined || unit <= rank) return undefined
    rank = unit
  }
  return whole
}
