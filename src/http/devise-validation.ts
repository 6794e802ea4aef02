/** What devise_token_auth's sign-up and update forms may hold, and the shape in which it says what is wrong with them. */
import type { FastifyRequest } from 'fastify'
import type { Attributes, Json } from '../account.js'
import type { Invalid, Taken } from '../accounts/accounts.js'
import { passwordProblem } from '../accounts/password.js'
import { parameters } from './parameters.js'

/** What is wrong, by attribute; each text ends a sentence that starts with the attribute's name. */
export type Wrong = Readonly<Record<string, readonly string[]>>

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

/** @returns what is wrong with a new password; a confirmation is compared when there is one */
export function wrongPassword(password: string, confirmation: string | undefined): Wrong {
  if (password === '') return { password: ["can't be blank"] }
  const problem = passwordProblem(password)
  if (problem !== undefined) return { password: [problem] }
  if (confirmation !== undefined && confirmation !== password)
    return { password_confirmation: ["doesn't match Password"] }
  return {}
}

/** @returns what the accounts refused, by attribute; somebody who signs up knows no uid beside the e-mail address */
export function wrongAccount(refusal: Invalid | Taken): Wrong {
  const named = (field: string) => (field === 'uid' ? 'email' : field)
  if (refusal.code === 'taken') return { [named(refusal.field)]: ['has already been taken'] }
  const wrong: Record<string, string[]> = {}
  for (const { field, message } of refusal.problems) {
    const texts = wrong[named(field)] ?? []
    if (!texts.includes(message)) wrong[named(field)] = [...texts, message]
  }
  return wrong
}

export const isWrong = (wrong: Wrong): boolean => Object.keys(wrong).length > 0

/** devise lists what is wrong by attribute, and once more as sentences. */
export function withSentences(wrong: Wrong) {
  const sentences = Object.entries(wrong).flatMap(([name, texts]) =>
    texts.map((text) => `${humanize(name)} ${text}`),
  )
  return { ...wrong, full_messages: sentences }
}

/** `password_confirmation` → `Password confirmation` */
export const humanize = (name: string): string =>
  name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
