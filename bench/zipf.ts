/** Zipf's law: the k-th of many things is met as often as the first, divided by k. */

/** @returns a function that draws an index below `count`, 0 most often */
export function zipf(count: number, random: () => number = Math.random): () => number {
  const upTo = new Float64Array(count)
  let sum = 0
  for (let i = 0; i < count; i++) upTo[i] = sum += 1 / (i + 1)
  return () => {
    const wanted = random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((upTo[middle] as number) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
