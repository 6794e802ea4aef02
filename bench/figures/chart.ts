/** Horizontal bars as SVG: no fonts and no scripts, and legible on white as on black. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** Where a tick stands. */
  readonly goal?: number | undefined
  /** Somebody else's. */
  readonly isOther?: boolean
}

export interface Chart {
  readonly title: string
  /** What somebody who does not see it should know. */
  readonly description: string
  readonly bars: readonly Bar[]
  /** `linear` begins at 0 and cuts what is beyond `to`; `doubling` begins at 1, and each line is twice the one before. */
  readonly scale: { readonly kind: 'linear'; readonly to: number } | { readonly kind: 'doubling' }
}

const WIDTH = 820
const LABELS = 250
const VALUES = 70
const ROW = 24
const TOP = 52
const BOTTOM = 14
const BAR = 14
/** As dark as it is light: the contrast to white and to black is the same. */
const INK = '#767676'
const OWN = '#1f83c9'
const OTHER = '#b5701b'
const GOAL = '#d3395b'

export function drawChart({ title, description, bars, scale }: Chart): string {
  const height = TOP + bars.length * ROW + BOTTOM
  const { lines, ...to } = scaleOf(scale, bars)
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">`,
    `<title id="title">${asText(title)}</title>`,
    `<desc id="desc">${asText(description)}</desc>`,
    `<text x="0" y="16" font-size="15" font-weight="600">${asText(title)}</text>`,
    ...lines.map((value) => gridLine(value, to.at(value), height)),
    ...bars.flatMap((bar, i) => drawBar(bar, TOP + i * ROW, to)),
    '</svg>',
  ].join('\n')}\n`
}

interface Scale {
  /** Values that a line is drawn at. */
  readonly lines: readonly number[]
  /** Where a value lies, pixels from the left; what is beyond the end lies at the end. */
  at(value: number): number
  isBeyond(value: number): boolean
}

function scaleOf(scale: Chart['scale'], bars: readonly Bar[]): Scale {
  const room = WIDTH - LABELS - VALUES
  if (scale.kind === 'linear')
    return {
      lines: Array.from({ length: Math.floor(scale.to) + 1 }, (_, i) => i),
      at: (value) => LABELS + (Math.min(value, scale.to) / scale.to) * room,
      isBeyond: (value) => value > scale.to,
    }
  const doublings = Math.max(1, Math.ceil(Math.log2(Math.max(...bars.map(({ value }) => value)))))
  return {
    lines: Array.from({ length: doublings + 1 }, (_, i) => 2 ** i),
    at: (value) => LABELS + (Math.max(0, Math.log2(value)) / doublings) * room,
    isBeyond: () => false,
  }
}

/** The floor's is solid. */
function gridLine(value: number, x: number, height: number): string {
  const dashes = value === 1 ? '' : ' stroke-dasharray="2 4" opacity="0.5"'
  const line = `<path d="M${px(x)} ${TOP - 8}V${height - BOTTOM}" stroke="${INK}"${dashes}/>`
  return `${line}<text x="${px(x)}" y="${TOP - 14}" text-anchor="middle" font-size="11">${value}</text>`
}

function drawBar(
  { label, value, goal, isOther }: Bar,
  y: number,
  { at, isBeyond }: Omit<Scale, 'lines'>,
): string[] {
  const [start, end, middle] = [at(0), at(value), y + ROW / 2]
  const top = middle - BAR / 2
  return [
    `<text x="${LABELS - 8}" y="${px(middle + 4)}" text-anchor="end">${asText(label)}</text>`,
    `<rect x="${px(start)}" y="${px(top)}" width="${px(end - start)}" height="${BAR}" fill="${isOther ? OTHER : OWN}"/>`,
    ...(goal === undefined
      ? []
      : [`<path d="M${px(at(goal))} ${px(top - 5)}v${BAR + 10}" stroke="${GOAL}" stroke-width="2"/>`]),
    `<text x="${px(end + 6)}" y="${px(middle + 4)}">${isBeyond(value) ? '» ' : ''}${value.toFixed(2)}</text>`,
  ]
}

const px = (value: number): string => String(Number(value.toFixed(1)))

const asText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
