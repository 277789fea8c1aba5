/** Replicas: they follow by themselves, and the reader takes what they have. */

import { Refused } from './article.ts'
import type { Article } from './article.ts'
import { Parser } from './events.ts'
import { Again, Gone, ManyFollower, Pauses, StoryFollower, Unavailable } from './follower.ts'
import type { Filters, Follower, ReplicaStatus, Update } from './follower.ts'
import { FollowError, Service } from './service.ts'
import type { ServiceOptions } from './service.ts'
import { Waiting } from './waiting.ts'

const UPDATES_WAITING = 1_024

/** The replica was closed. */
export class Closed extends Error {
  override name = 'Closed'
}

/** What every replica can be told. */
export interface FollowOptions extends ServiceOptions {
  /** Aborted, it ends the replica: loops and waits throw its reason. */
  signal?: AbortSignal
  /** How many updates may wait for the reader (1,024); beyond that steps are left out. See {@link Update}. */
  updatesWaiting?: number
}

/** Options of a wait. */
export interface WaitOptions {
  signal?: AbortSignal
}

/** What both kinds of replica share. */
abstract class Following<F extends Follower> implements AsyncIterable<Update>, AsyncDisposable {
  protected readonly service: Service
  protected readonly follower: F
  readonly #waiting: Waiting
  readonly #ending = new AbortController()
  readonly #outer: AbortSignal | undefined
  #moved = new Moved()
  #isConnected = false
  #isBegun = false
  #failure: { readonly reason: unknown } | undefined
  #run: Promise<void> | undefined

  protected constructor(service: Service, follower: F, options: FollowOptions) {
    this.service = service
    this.follower = follower
    this.#waiting = new Waiting(options.updatesWaiting ?? UPDATES_WAITING, story => this.held(story))
    this.#outer = options.signal
  }

  /** How the replica stands now. */
  get status(): ReplicaStatus {
    if (this.#ending.signal.aborted) return 'closed'
    if (!this.#isConnected) return 'connecting'
    return this.follower.isLive ? 'live' : 'catching-up'
  }

  /** From where to follow after what was taken in so far. */
  get cursor(): string | undefined {
    return this.follower.cursor
  }

  /** Ends the replica; its readers' loops end too. Resolves once nothing of it runs any more. */
  async close(): Promise<void> {
    this.#end(undefined)
    await this.#run
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Gives updates as they come, each to one reader. Ends when the replica is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Update, void, void> {
    for (;;) {
      if (this.#failure) throw this.#failure.reason
      if (this.#ending.signal.aborted) return
      const update = this.#waiting.take()
      if (update) yield update
      else await this.#moved.next()
    }
  }

  protected abstract held(story: string): Article | undefined

  /** Fetches the articles that must be fetched; there are none where the stream has them. */
  protected async mend(): Promise<void> {}

  protected get signal(): AbortSignal {
    return this.#ending.signal
  }

  protected tell(updates: readonly Update[]): void {
    this.#waiting.put(updates)
    this.#notify()
  }

  /** Throws if the replica has ended, and why. */
  protected check(): void {
    if (this.#failure) throw this.#failure.reason
    if (this.#ending.signal.aborted) throw new Closed('the replica was closed')
  }

  protected async begin(): Promise<this> {
    this.#run = this.#follow()
    await this.wait(() => this.#isBegun || undefined, {})
    return this
  }

  /** Resolves with what `found` gives once that is something. */
  protected async wait<T>(found: () => T | undefined, { signal }: WaitOptions): Promise<T> {
    for (;;) {
      signal?.throwIfAborted()
      const given = found()
      if (given !== undefined) return given
      this.check()
      await this.#moved.next(signal)
    }
  }

  #notify(): void {
    const moved = this.#moved
    this.#moved = new Moved()
    moved.happened()
  }

  #end(failure: { readonly reason: unknown } | undefined): void {
    if (this.#ending.signal.aborted) return
    this.#failure = failure
    this.#ending.abort()
    this.#notify()
  }

  async #follow(): Promise<void> {
    const aborted = (): void => this.#end({ reason: this.#outer?.reason })
    if (this.#outer?.aborted) aborted()
    this.#outer?.addEventListener('abort', aborted)
    const pauses = new Pauses()
    try {
      while (!this.signal.aborted) {
        const problem = await this.#read(pauses).catch((problem: unknown) => problem)
        if (this.signal.aborted) break
        if (problem instanceof FollowError) throw problem
        if (problem instanceof Gone) this.follower.gone()
        this.#isConnected = false
        this.#notify()
        await paused(pauses.after(problem), this.signal)
      }
    } catch (reason) {
      this.#end({ reason })
    } finally {
      this.#outer?.removeEventListener('abort', aborted)
    }
  }

  async #read(pauses: Pauses): Promise<never> {
    const parser = new Parser()
    for await (const piece of this.service.stream(this.follower.request(), this.signal)) {
      if (!this.#isConnected) {
        this.#isConnected = true
        this.follower.isLive = false
        this.#notify()
      }
      const events = parser.feed(piece)
      pauses.retryMs = parser.retryMs ?? pauses.retryMs
      for (const event of events) {
        this.tell(this.follower.take(event))
        this.#isBegun = true
        this.#notify()
        await this.mend()
        pauses.wentWell()
        if (this.signal.aborted) throw new Again('the replica was closed')
      }
    }
    throw new Unavailable('the stream ended without a word')
  }
}

/** Something that happens once. */
class Moved {
  #happened: () => void = () => {}
  readonly #promise = new Promise<void>(resolve => (this.#happened = resolve))

  happened(): void {
    this.#happened()
  }

  /** Resolves when it has happened, or the signal is aborted. */
  async next(signal?: AbortSignal): Promise<void> {
    if (!signal) return this.#promise
    let aborted: () => void = () => {}
    const ended = new Promise<void>(resolve => (aborted = resolve))
    signal.addEventListener('abort', aborted)
    await Promise.race([this.#promise, ended])
    signal.removeEventListener('abort', aborted)
  }
}

/** Resolves after a while, or when the signal is aborted. */
function paused(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const over = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, milliseconds)
    signal.addEventListener('abort', over)
  })
}

/** A live, verified replica of one story: loop over it for updates, or look at {@link Replica.current}. */
export class Replica extends Following<StoryFollower> {
  /** The article as it is known now. */
  get current(): Article {
    const { article } = this.follower
    if (!article) throw new Closed('the replica has not begun')
    return article
  }

  /** The revision of the article as it is known now. */
  get revision(): number {
    return this.current.revision
  }

  /**
   * Resolves with the article once it is at `revision` or later. The signal ends the wait, not the replica; for a
   * time limit give `AbortSignal.timeout(…)`.
   */
  waitUntil(revision: number, options: WaitOptions = {}): Promise<Article> {
    const reached = (): Article | undefined => {
      const { article } = this.follower
      return article && article.revision >= revision ? article : undefined
    }
    return this.wait(reached, options)
  }

  /** @internal */
  static async follow(url: string | URL, options: FollowStory): Promise<Replica> {
    let follower: StoryFollower
    try {
      follower = new StoryFollower(options.story, options.resume)
    } catch (cause) {
      throw new TypeError('the article to resume from cannot be used', { cause })
    }
    return new Replica(new Service(url, options), follower, options).begin()
  }

  protected override held(): Article | undefined {
    return this.follower.article
  }
}

/** Every change of many stories, and live, verified replicas of those that are asked for. */
export class Stories extends Following<ManyFollower> {
  /** The articles that are held, by story. */
  get articles(): ReadonlyMap<string, Article> {
    return this.follower.articles
  }

  /** Resolves with a story's article, and keeps it up to date from now on. `story` is an id. */
  async article(story: string, { signal }: WaitOptions = {}): Promise<Article> {
    const pauses = new Pauses()
    const ending = new AbortController()
    const end = (): void => ending.abort()
    const signals = [this.signal, ...(signal ? [signal] : [])]
    for (const each of signals) each.addEventListener('abort', end)
    try {
      for (;;) {
        signal?.throwIfAborted()
        this.check()
        const held = this.follower.articles.get(story)
        if (held && !this.follower.wanted.has(story)) return held
        this.follower.expect(story)
        const got = await this.#fetched(story, ending.signal)
        if (got.article) return got.article
        if (!ending.signal.aborted) await paused(pauses.after(got.problem), ending.signal)
      }
    } finally {
      for (const each of signals) each.removeEventListener('abort', end)
    }
  }

  /** Holds a story's article no longer. */
  forget(story: string): void {
    this.follower.forget(story)
  }

  /** @internal */
  static async follow(url: string | URL, options: FollowAll): Promise<Stories> {
    return new Stories(new Service(url, options), new ManyFollower(options, options.since), options).begin()
  }

  protected override held(story: string): Article | undefined {
    return this.follower.articles.get(story)
  }

  protected override async mend(): Promise<void> {
    for (const [story, { reason, change }] of [...this.follower.wanted]) {
      try {
        const given = await this.service.article(story, this.signal)
        if (this.follower.wanted.has(story)) this.tell(this.follower.fetched(story, given))
      } catch (problem) {
        if (!(problem instanceof FollowError || problem instanceof Gone)) throw problem
        // Readers have it no longer: no article is better than one that is not theirs.
        this.follower.forget(story)
        this.tell([{ story, reset: reason, ...(change && { change }) }])
      }
    }
  }

  async #fetched(story: string, signal: AbortSignal): Promise<{ article?: Article; problem?: unknown }> {
    try {
      const article = this.follower.hold(story, await this.service.article(story, signal))
      return article ? { article } : { problem: new Refused('the article is older than what was told of it') }
    } catch (problem) {
      if (problem instanceof FollowError) throw problem
      if (problem instanceof Gone) throw new FollowError(410, {})
      return { problem }
    }
  }
}

/** What {@link follow} can be told. */
export interface FollowStory extends FollowOptions {
  /** The story's id or slug. */
  story: string
  /** An article that an earlier replica had: only what has changed since is sent. */
  resume?: Article
}

/** What {@link followAll} can be told. */
export interface FollowAll extends FollowOptions, Filters {
  /** A cursor, `earliest` or `now` (the default). */
  since?: string
}

/**
 * Follows one story of the service at `url`; resolves once its article is there. The service need not run yet.
 *
 * @throws {FollowError} if the service refuses; {TypeError} if an argument cannot be right; the signal's reason.
 */
export const follow = (url: string | URL, options: FollowStory): Promise<Replica> => Replica.follow(url, options)

/**
 * Follows every story of the service at `url`, or those that the filters let through; resolves once it follows.
 * With filters on kind, significance or the headline an article that is held is fetched again where changes were
 * left out.
 *
 * @throws as {@link follow}.
 */
export const followAll = (url: string | URL, options: FollowAll = {}): Promise<Stories> => Stories.follow(url, options)
