/** Updates that wait for their reader: bounded, and honest about what was left out. Pure. */

import type { Article } from './article.ts'
import type { Update } from './follower.ts'

/**
 * A queue of updates.
 *
 * A reader that is slower than the updates is not waited for, because the service would leave a replica that
 * takes nothing. Where more than `limit` would wait, those of each story become one update with the reset `behind`
 * and the article as it is when it is taken out: steps are lost, the state never is.
 */
export class Waiting {
  readonly #limit: number
  readonly #current: (story: string) => Article | undefined
  #updates: Update[] = []
  readonly #behind = new Set<string | undefined>()

  constructor(limit: number, current: (story: string) => Article | undefined) {
    this.#limit = Math.max(1, limit)
    this.#current = current
  }

  /** Adds updates at the end. */
  put(updates: readonly Update[]): void {
    for (const update of updates) {
      if (this.#behind.has(update.story)) continue
      this.#updates.push(update)
      if (this.#updates.length > this.#limit) {
        for (const { story } of this.#updates) this.#behind.add(story)
        this.#updates = []
      }
    }
  }

  /** Takes the first update out, if there is one. */
  take(): Update | undefined {
    const [first] = this.#behind
    if (this.#behind.size === 0) return this.#updates.shift()
    this.#behind.delete(first)
    if (first === undefined) return { reset: 'gone' }
    const article = this.#current(first)
    return { story: first, reset: 'behind', ...(article && { article }) }
  }
}
