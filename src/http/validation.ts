/** Schema errors as sentences that name the field and say how to mend it. */

/** What TypeBox's validators and Fastify's schema compilers have in common. */
export interface SchemaError {
  keyword: string
  instancePath: string
  params: object
  message?: string | undefined
}

/** @returns one text for all that is wrong; fields are named as the caller knows them: `roles.0`, `password` */
export function describeSchemaErrors(errors: readonly SchemaError[]): string {
  const sentences = errors.filter(({ keyword }) => keyword !== 'boolean').map(describe)
  return `${[...new Set(sentences)].join('; ')}.`
}

function describe({ keyword, instancePath, params, message = 'is not valid' }: SchemaError): string {
  const field = instancePath.slice(1).replaceAll('/', '.')
  const listed = (names: string) => list(params, names).map((name) => (field ? `${field}.${name}` : name))
  if (keyword === 'required') return `${listed('requiredProperties').join(' and ')} must be given`
  if (keyword === 'additionalProperties')
    return `${listed('additionalProperties').join(' and ')} is not known here`
  const text = message.replace(/^must be (string|number|boolean)$/, 'must be a $1')
  return `${field || 'the request'} ${text.replace(/^must be (array|integer|object)$/, 'must be an $1')}`
}

function list(params: object, name: string): string[] {
  const value: unknown = Object.entries(params).find(([key]) => key === name)?.[1]
  return Array.isArray(value) ? value.map(String) : []
}
