/** What one script call can take of a pile of items: a bounded number and, on a Cluster, one tag, because its keys must share a slot. */

/** @returns the items in their order, cut into calls of at most `most` */
export function batches<T extends { tag: string }>(
  items: readonly T[],
  most: number,
  isCluster: boolean,
): (readonly T[])[] {
  if (items.length === 0) return []
  const groups = isCluster ? byTag(items) : [items]
  return groups.flatMap((group) => (group.length <= most ? [group] : cut(group, most)))
}

function cut<T>(group: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(group.length / most) }, (_, i) =>
    group.slice(i * most, (i + 1) * most),
  )
}

function byTag<T extends { tag: string }>(items: readonly T[]): (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.tag)
    if (group === undefined) groups.set(item.tag, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
