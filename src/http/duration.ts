/**
 * Reads the life of a Specter token: "6 hours", "1h30m", "1 hr, 30 min", "1:02:03", 3600.
 *
 * Five units in this order, each optional, spaces and one comma or slash between them optional; or a clock, in which
 * `M:SS` is minutes and seconds; or a number alone, which is seconds. Upper and lower case are alike.
 */

/** Longer than any sensible life. The patterns are linear; this keeps the arithmetic finite, too. */
const LONGEST_LIFE_CHARACTERS = 100

const UNIT_SECONDS = { weeks: 604_800, days: 86_400, hours: 3_600, minutes: 60, seconds: 1 } as const
type Unit = keyof typeof UNIT_SECONDS
const UNITS = Object.keys(UNIT_SECONDS) as Unit[]

const number = (unit: Unit) => String.raw`(?<${unit}>\d+(?:\.\d*)?|\.\d+)`
const part = (unit: Unit, spellings: string) => `(?:${number(unit)} ?(?:${spellings}) ?[,/]? ?)?`

const WEEKS = part('weeks', 'w|wks?|weeks?')
const DAYS = part('days', 'd|dys?|days?')
const HOURS = part('hours', 'h|hrs?|hours?')
const MINUTES = part('minutes', 'm|mins?|minutes?')
const SECONDS = `(?:${number('seconds')} ?(?:s|secs?|seconds?))?`
const CLOCK_SECONDS = String.raw`:(?<seconds>\d\d(?:\.\d+)?)`

/** Each matches from end to end, so at most one of them gives a text its meaning. */
const FORMS = [
  number('seconds'),
  `${WEEKS}${DAYS}${HOURS}${MINUTES}${SECONDS}`,
  CLOCK_SECONDS,
  String.raw`(?<minutes>\d\d?)${CLOCK_SECONDS}`,
  String.raw`${WEEKS}${DAYS}(?<hours>\d+):(?<minutes>\d\d)${CLOCK_SECONDS}`,
  String.raw`(?<days>\d+):(?<hours>\d\d):(?<minutes>\d\d)${CLOCK_SECONDS}`,
].map((form) => new RegExp(`^${form}$`))

/**
 * Reads a life as it came in JSON. Zero, negative and enormous ones are read like any other: this says what was
 * meant, the caller says whether it is allowed.
 *
 * @returns seconds; whole ones, unless the seconds themselves were written with a fraction. Undefined: no life at all
 */
export function parseLife(life: unknown): number | undefined {
  if (typeof life === 'number') return Number.isFinite(life) ? life : undefined
  if (typeof life !== 'string' || life.length > LONGEST_LIFE_CHARACTERS) return undefined
  const text = life.trim().replace(/\s+/g, ' ').toLowerCase()
  const [, sign, unsigned = ''] = /^([+-]?) ?(.*)$/.exec(text) ?? []
  if (unsigned === '') return undefined
  for (const form of FORMS) {
    const amounts = form.exec(unsigned)?.groups
    if (amounts !== undefined) return sign === '-' ? -sumOf(amounts) : sumOf(amounts)
  }
  return undefined
}

/** Rounds because binary fractions do not add up: 1.15 hours are 4140 seconds, not 4139.99…. */
function sumOf(amounts: Partial<Record<string, string>>): number {
  const seconds = UNITS.reduce((sum, unit) => sum + Number(amounts[unit] ?? 0) * UNIT_SECONDS[unit], 0)
  const precision = amounts.seconds?.includes('.') ? 1_000 : 1
  return Math.round(seconds * precision) / precision
}
