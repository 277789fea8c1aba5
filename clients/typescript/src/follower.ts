/** What a replica makes of the events of a stream. Pure: it says what is to be done, and others do it. */

import { Refused, asObject, asText, verified } from './article.ts'
import type { Article, Hashes, Kind, Status } from './article.ts'
import { applied, asChange } from './change.ts'
import type { Change } from './change.ts'
import type { StreamEvent } from './events.ts'

/** How a replica stands: not connected; connected and behind; following; ended. */
export type ReplicaStatus = 'connecting' | 'catching-up' | 'live' | 'closed'

/**
 * Why an article was taken as a whole. `start`: the replica begins with it. `hole`: changes in between were
 * missing. `mismatch`: a change was not what it promised. `large`: the change was too large for a message.
 * `gone`: the service can no longer go on from where the replica was. `behind`: the reader was slower than the
 * updates, and those in between were left out.
 */
export type ResetReason = 'start' | 'hole' | 'mismatch' | 'large' | 'gone' | 'behind'

/**
 * Something happened to a story. The updates of one story come in the order of its revisions.
 *
 * `change` is what changed and why; it is missing where the article was taken as a whole. `reset` says why it was:
 * forget what you derived from the article before. `article` is missing only where a replica of many stories does
 * not hold the story, or, with a `reset` and no `story`, where every story is meant.
 */
export interface Update {
  readonly story?: string
  readonly change?: Change
  readonly article?: Article
  readonly reset?: ResetReason
}

/**
 * Revisions that must not be used any more: take away what you made of them. `acknowledged` is always `false`:
 * over HTTP the service is not told that the recall was applied.
 */
export interface Recall {
  readonly story: string
  readonly revision: number
  readonly kind: Kind
  readonly status: Status
  readonly voids: readonly number[]
  readonly note: string
  readonly acknowledged: false
}

const RECALLS: ReadonlySet<Kind> = new Set<Kind>(['withhold', 'kill', 'takedown', 'correction', 'redaction'])

/** Returns what an update calls back, if it does. */
export function recallOf({ change }: Update): Recall | undefined {
  // A redaction that voids nothing only annotates.
  if (!change || !RECALLS.has(change.kind) || (change.kind === 'redaction' && change.voids.length === 0)) {
    return undefined
  }
  const { story, to: revision, kind, status = 'usable', voids, note } = change
  return { story, revision, kind, status, voids, note, acknowledged: false }
}

/** Leave this connection and begin again from the article. */
export class Again extends Error {
  override name = 'Again'
}

/** The service cannot go on from the cursor that it was given. */
export class Gone extends Again {
  override name = 'Gone'
}

/** The service ends this connection in order: come again after the delay. */
export class Ending extends Error {
  override name = 'Ending'
  readonly delayMs: number
  constructor(delayMs: number) {
    super('the service ends the connection')
    this.delayMs = delayMs
  }
}

/** The service cannot answer now: come again, not before the delay has passed. */
export class Unavailable extends Error {
  override name = 'Unavailable'
  readonly retryAfterMs: number
  constructor(why: string, retryAfterMs = 0) {
    super(why)
    this.retryAfterMs = retryAfterMs
  }
}

const RETRY_MS = 1_000
const DELAY_MS_MAX = 30_000
const DOUBLINGS_MAX = 10

/** How long to wait before the next attempt: longer each time, and not all at once. */
export class Pauses {
  retryMs: number | undefined
  #failures = 0

  /** Something came that could be verified. */
  wentWell(): void {
    this.#failures = 0
  }

  /** Returns the milliseconds to wait after `problem` has ended a connection. */
  after(problem: unknown): number {
    if (problem instanceof Ending) return problem.delayMs
    const failures = this.#failures++
    if (problem instanceof Again && failures === 0) return 0
    const delay = Math.min((this.retryMs ?? RETRY_MS) * 2 ** Math.min(failures, DOUBLINGS_MAX), DELAY_MS_MAX)
    const least = problem instanceof Unavailable ? problem.retryAfterMs : 0
    return Math.max(least, delay * (0.5 + Math.random() / 2))
  }
}

/** What a follower asks for: a path with its query. */
export interface Follower {
  isLive: boolean
  readonly cursor: string | undefined
  /** Returns the path to ask for. */
  request(): string
  /** The service cannot go on from the cursor: the next request begins again. */
  gone(): void
  /**
   * Takes the next event.
   *
   * @throws {Again | Ending} to leave the connection; {Refused} if what the service says cannot be verified.
   */
  take(event: StreamEvent): Update[]
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new Refused('an event cannot be read', { cause })
  }
}

function ending(data: string): Ending {
  const delay = Number((parsed(data) as { reconnect_ms?: unknown } | null)?.reconnect_ms)
  return new Ending(delay >= 0 ? Math.min(delay, DELAY_MS_MAX) : RETRY_MS)
}

const lifeOf = (cursor: string): string => cursor.slice(0, cursor.indexOf('-'))

/** Follows one story. */
export class StoryFollower implements Follower {
  article: Article | undefined
  cursor: string | undefined
  isLive = false
  readonly #path: string
  readonly #hashes: Hashes = new WeakMap()
  #reason: ResetReason | undefined
  #large: Change | undefined

  /** @throws {Refused} if the article to resume from cannot be used. */
  constructor(story: string, resume?: Article) {
    this.#path = `/v1/stories/${encodeURIComponent(story)}/events`
    if (resume !== undefined) {
      this.article = verified(resume, this.#hashes)
      this.cursor = resume.cursor
    }
  }

  request(): string {
    if (this.cursor === undefined || this.#reason !== undefined) return this.#path
    return `${this.#path}?${new URLSearchParams({ since: this.cursor })}`
  }

  gone(): void {
    this.#reason = 'gone'
  }

  take(event: StreamEvent): Update[] {
    let updates: Update[] = []
    if (event.name === 'message') updates = this.#takeChange(event.data)
    else if (event.name === 'snapshot') updates = this.#takeArticle(parsed(event.data))
    else if (event.name === 'up-to-date') this.isLive = true
    else if (event.name === 'closing') throw ending(event.data)
    else if (event.name === 'must-refetch') {
      this.gone()
      throw new Again('the service begins again')
    }
    if (event.id) this.cursor = event.id
    return updates
  }

  #takeChange(data: string): Update[] {
    const before = this.article
    let change: Change
    try {
      change = asChange(asObject(parsed(data))['data'])
      if (before && change.story !== before.story) throw new Refused('the change is of another story')
    } catch (problem) {
      this.#reason = 'mismatch'
      throw new Again('a change cannot be read', { cause: problem })
    }
    const made = applied(before, change, this.#hashes)
    if (made.outcome === 'repeated') return []
    if (made.outcome !== 'applied') {
      this.#reason = made.outcome === 'refused' ? 'mismatch' : made.outcome
      this.#large = made.outcome === 'large' ? change : undefined
      throw new Again('the article is to be taken as a whole')
    }
    this.article = made.article
    const update = { story: change.story, change, article: made.article }
    return [change.from === before?.revision ? update : { ...update, reset: before ? 'hole' : 'start' }]
  }

  #takeArticle(given: unknown): Update[] {
    const article = verified(given, this.#hashes)
    const before = this.article
    const [reason, large] = [this.#reason, this.#large]
    this.#reason = this.#large = undefined
    if (before && article.revision <= before.revision && lifeOf(article.cursor) === lifeOf(before.cursor)) {
      if (article.hash === before.hash || article.revision < before.revision) return []
    }
    this.article = article
    const update = { story: article.story, article, reset: reason ?? (before ? 'gone' : 'start') }
    return [large?.to === article.revision ? { ...update, change: large } : update]
  }
}

/** What lets only some changes through, at the service. */
export interface Filters {
  desk?: string
  tag?: string
  kind?: string
  minSignificance?: string
  headlineOnly?: boolean
}

/** Why an article must be fetched, and the change that says so. */
export interface Wanted {
  readonly reason: ResetReason
  readonly change?: Change
}

/** Follows many stories: every change is told, and the articles that were asked for are held. */
export class ManyFollower implements Follower {
  cursor: string | undefined
  isLive = false
  readonly articles = new Map<string, Article>()
  /** Stories whose article must be fetched again. */
  readonly wanted = new Map<string, Wanted>()
  readonly #query: URLSearchParams
  readonly #hashes: Hashes = new WeakMap()
  /** Stories that are held or being fetched: the newest revision that was told of each. */
  readonly #told = new Map<string, number>()
  #since: string | undefined
  #isGone = false

  constructor(filters: Filters, since?: string) {
    const { desk, tag, kind, minSignificance, headlineOnly } = filters
    const query = { desk, tag, kind, min_significance: minSignificance, headline_only: headlineOnly ? 'true' : undefined }
    this.#query = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) this.#query.set(name, value)
    this.#since = since
  }

  request(): string {
    const query = new URLSearchParams(this.#query)
    const since = this.cursor ?? this.#since
    if (since !== undefined) query.set('since', since)
    const text = query.toString()
    return text === '' ? '/v1/events' : `/v1/events?${text}`
  }

  gone(): void {
    this.cursor = this.#since = undefined
    this.#isGone = true
  }

  /** A story's article is about to be fetched; what is told of it meanwhile is taken note of. */
  expect(story: string): void {
    if (!this.#told.has(story)) this.#told.set(story, 0)
  }

  /**
   * Holds an article that was fetched; `undefined`: it is older than what was told, fetch it again.
   *
   * @throws {Refused}
   */
  hold(story: string, given: unknown): Article | undefined {
    const article = verified(given, this.#hashes)
    if (article.story !== story) throw new Refused('this is the article of another story')
    if (article.revision < (this.#told.get(story) ?? 0)) return undefined
    const held = this.articles.get(story)
    if (held && held.revision >= article.revision && !this.wanted.has(story)) return held
    this.articles.set(story, article)
    return article
  }

  /** Takes an article that was wanted. */
  fetched(story: string, given: unknown): Update[] {
    const article = this.hold(story, given)
    if (!article) throw new Refused('the article is older than what was told of it')
    const { reason, change } = this.wanted.get(story)!
    this.wanted.delete(story)
    const update = { story, article, reset: reason }
    return [change?.to === article.revision ? { ...update, change } : update]
  }

  /** Holds a story no longer. */
  forget(story: string): void {
    for (const held of [this.articles, this.#told, this.wanted]) held.delete(story)
  }

  take(event: StreamEvent): Update[] {
    const updates: Update[] = []
    if (this.#isGone && (event.name === 'message' || event.name === 'up-to-date')) {
      updates.push({ reset: 'gone' })
      this.#told.clear()
      for (const story of this.articles.keys()) {
        this.wanted.set(story, { reason: 'gone' })
        this.#told.set(story, 0)
      }
      this.#isGone = false
    }
    if (event.name === 'message') updates.push(...this.#takeChange(asChange(asObject(parsed(event.data))['data'])))
    else if (event.name === 'up-to-date') this.isLive = true
    else if (event.name === 'closing') throw ending(event.data)
    else if (event.name === 'must-refetch') {
      this.gone()
      throw new Again('the service begins again')
    }
    if (event.id) this.cursor = asText(event.id)
    return updates
  }

  #takeChange(change: Change): Update[] {
    const { story } = change
    const told = this.#told.get(story)
    if (told !== undefined) this.#told.set(story, Math.max(told, change.to))
    const held = this.articles.get(story)
    if (!held) return [{ story, change }]
    const made = applied(held, change, this.#hashes)
    if (made.outcome === 'repeated') return []
    if (made.outcome !== 'applied') {
      this.wanted.set(story, { reason: made.outcome === 'refused' ? 'mismatch' : made.outcome, change })
      return []
    }
    this.articles.set(story, made.article)
    this.wanted.delete(story)
    const update = { story, change, article: made.article }
    return [change.from === held.revision ? update : { ...update, reset: 'hole' }]
  }
}
