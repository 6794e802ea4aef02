/** What devise_token_auth's sign-up and update forms may hold, and its words for what is wrong with them. */
import type { FastifyRequest } from 'fastify'
import type { Attributes, Json } from '../account.js'
import { attributesProblem } from '../accounts/attributes.js'
import { isEmail } from '../accounts/names.js'
import { longestPassword, shortestPassword } from '../accounts/password.js'
import { parameters } from './parameters.js'

/** Problems by attribute name. */
export type Problems = Readonly<Record<string, readonly string[]>>

/** Parameters that are never attributes: credentials, what its clients send along, and what the account itself owns. */
const notAttributes = new Set([
  ...['email', 'password', 'password_confirmation', 'current_password', 'allow_password_change'],
  ...['access-token', 'token-type', 'client', 'expiry', 'uid', 'unbatch', 'authorization'],
  ...['confirm_success_url', 'config_name', 'config', 'redirect_url', 'reset_password_token'],
  ...['id', 'provider', 'roles', 'tokens', 'created_at', 'updated_at'],
])

/** @returns what the request wants to store as the account's attributes */
export function readAttributes(request: FastifyRequest): Attributes {
  const wanted = Object.entries(parameters(request)).filter(([name]) => !notAttributes.has(name))
  return Object.fromEntries(wanted) as { [name: string]: Json } // parsed JSON and form values are JSON
}

interface Profile {
  email?: string | undefined
  password?: string | undefined
  confirmation?: string | undefined
  attributes: Attributes
}

/** @returns what is wrong, or `undefined`; with `given only`, what is absent is not missed */
export function findSignUpProblems(profile: Profile, which?: 'given only'): Problems | undefined {
  const { email, password, confirmation, attributes } = profile
  const problems: Record<string, string[]> = {}
  if (email !== undefined || which === undefined) {
    if (!email) problems.email = ["can't be blank"]
    else if (!isEmail(email)) problems.email = ['is not an email']
  }
  if (password !== undefined || which === undefined)
    Object.assign(problems, findPasswordProblems(password ?? '', confirmation))
  const badAttributes = attributesProblem(attributes)
  if (badAttributes !== undefined) problems.attributes = [badAttributes]
  return Object.keys(problems).length > 0 ? problems : undefined
}

/** @returns what is wrong with a new password, or `undefined`; a confirmation is compared when there is one */
export function findPasswordProblems(password: string, confirmation?: string): Problems | undefined {
  const length = [...password].length
  const problems = [
    ...(password === '' ? ["can't be blank"] : []),
    ...(password !== '' && length < shortestPassword
      ? [`is too short (minimum is ${shortestPassword} characters)`]
      : []),
    ...(length > longestPassword ? [`is too long (maximum is ${longestPassword} characters)`] : []),
  ]
  if (problems.length > 0) return { password: problems }
  if (confirmation !== undefined && confirmation !== password)
    return { password_confirmation: ["doesn't match Password"] }
  return undefined
}
