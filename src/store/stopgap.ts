import { StoreUnavailable } from '../errors.js'
export async function ask<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply
  } catch (cause) {
    throw new StoreUnavailable(cause)
  }
}
