/** The schema in a uniform shape, for messages and documentation. */
import { type Variables, variables } from './schema.js'

/** What one variable's schema says; the same for all, whatever their type. */
export interface Variable {
  name: keyof Variables
  allowed: string
  meaning: string
  default: string | undefined
  unset: string | undefined
  secret: boolean
}

/** @returns the variables in the order in which they are documented */
export function describeVariables(): Variable[] {
  const plain: Record<string, Record<string, unknown>> = JSON.parse(JSON.stringify(variables.properties))
  return (Object.keys(variables.properties) as (keyof Variables)[]).map((name) => {
    const { title, description, default: preset, unset, writeOnly } = plain[name] ?? {}
    return {
      name,
      allowed: String(title),
      meaning: String(description),
      default: preset === undefined || preset === '' ? undefined : String(preset),
      unset: typeof unset === 'string' ? unset : undefined,
      secret: writeOnly === true,
    }
  })
}
