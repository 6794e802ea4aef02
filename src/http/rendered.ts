/** What is rendered from an object that does not change: answers from memory are about the same objects again and again. */

/** The type of an answer that is JSON already; Fastify knows only that it is text. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** @returns `render`, called once for each object for as long as that lives */
export function renderedOnce<Of extends object, Rendered>(
  render: (of: Of) => Rendered,
): (of: Of) => Rendered {
  const made = new WeakMap<Of, Rendered>()
  return (of) => {
    const known = made.get(of)
    if (known !== undefined) return known
    const rendered = render(of)
    made.set(of, rendered)
    return rendered
  }
}
