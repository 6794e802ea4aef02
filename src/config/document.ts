/** The configuration as README.md and `.env.example` show it; `npm run docs` writes both. */
import { describeVariables, type Variable } from './describe.js'

export const TABLE_BEGIN = '<!-- configuration -->'
export const TABLE_END = '<!-- /configuration -->'

/** @returns the Markdown table that stands between the two marks */
export function configurationTable(): string {
  const rows = describeVariables().map(
    (variable) => `| \`${variable.name}\` | ${presetOf(variable, '`')} | ${sentence(variable)} |`,
  )
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

/** @returns a file of assignments, all commented out, that sets nothing as it stands */
export function envExample(): string {
  const entries = describeVariables().map((variable) => {
    const { name, secret } = variable
    const preset = variable.default === undefined ? `Default: ${presetOf(variable, '')}.` : ''
    const file = secret ? ` Or name a file that holds it: ${name}_FILE.` : ''
    const comment = `${sentence(variable)} ${preset}${file}`.trim().replaceAll('`', '')
    return `# ${comment}\n#${name}=${quoted(variable.default ?? '')}`
  })
  return `# Countersign is configured by its environment. These are all variables, with their defaults.\n\n${entries.join('\n\n')}\n`
}

const presetOf = ({ default: preset, unset }: Variable, quote: string): string =>
  preset === undefined ? (unset ?? 'none') : `${quote}${preset}${quote}`

const sentence = ({ allowed, meaning }: Variable): string =>
  `${meaning}. ${allowed[0]?.toUpperCase()}${allowed.slice(1)}.`

const quoted = (value: string): string => (value.includes(' ') ? `"${value}"` : value)
