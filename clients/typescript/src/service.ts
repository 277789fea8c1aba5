/** How the service is asked over HTTP. */

import { Gone, Unavailable } from './follower.ts'

/** A stream that says nothing for so long is dead: the service gives a sign of life every 15 seconds. */
const SILENCE_MS_MAX = 45_000
const FETCH_MS_MAX = 30_000
const RETRY_AFTER_MS_MAX = 3_600_000

/** The service refuses, and would refuse again: the request must be another one. */
export class FollowError extends Error {
  override name = 'FollowError'
  /** The status of HTTP. */
  readonly status: number
  /** What the service says of it (RFC 9457), if it does. */
  readonly problem: Readonly<Record<string, unknown>>

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    super(`${String(problem['detail'] ?? problem['title'] ?? 'the service gives no reason')} (HTTP ${status})`)
    this.status = status
    this.problem = problem
  }
}

/** How to reach the service. */
export interface ServiceOptions {
  /** A key of the service; without one you read what the public reads. */
  key?: string
  /** Another `fetch` than the one of the platform. */
  fetch?: typeof fetch
}

/** A signal that also aborts after a silence. */
class Silence {
  readonly #aborting = new AbortController()
  readonly signal = this.#aborting.signal
  readonly #lengthMs: number
  readonly #outer: AbortSignal
  readonly #end = (): void => this.#aborting.abort(this.#outer.reason)
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(lengthMs: number, outer: AbortSignal) {
    this.#lengthMs = lengthMs
    this.#outer = outer
    if (outer.aborted) this.#end()
    outer.addEventListener('abort', this.#end)
    this.broken()
  }

  /** Something was heard. */
  broken(): void {
    clearTimeout(this.#timer)
    const silent = (): void => this.#aborting.abort(new Unavailable('the service has fallen silent'))
    this.#timer = setTimeout(silent, this.#lengthMs)
  }

  /** Nothing is listened to any more, and what is open is closed. */
  over(): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener('abort', this.#end)
    this.#aborting.abort()
  }
}

/** Where the service is, and what every request says. */
export class Service {
  readonly #base: string
  readonly #fetch: typeof fetch
  readonly #headers: Record<string, string>

  constructor(url: string | URL, { key, fetch = globalThis.fetch }: ServiceOptions) {
    const base = new URL(url)
    if (!/^https?:$/.test(base.protocol) || base.search || base.hash || base.username) {
      throw new TypeError(`${base.href} is no address of the service: give one such as http://127.0.0.1:8080`)
    }
    this.#base = base.href.replace(/\/+$/, '')
    // Browsers want it called as a function of theirs.
    this.#fetch = (...given) => fetch(...given)
    this.#headers = key === undefined ? {} : { Authorization: `Bearer ${key}` }
  }

  /**
   * Gives the bytes of a stream; ends when it does.
   *
   * @throws {Gone | Unavailable | FollowError} or whatever `fetch` throws.
   */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const silence = new Silence(SILENCE_MS_MAX, signal)
    try {
      const response = await this.#ask(path, 'text/event-stream', silence.signal)
      const type = response.headers.get('content-type') ?? ''
      if (!response.body || !/^text\/event-stream *(;|$)/i.test(type)) {
        throw new Unavailable('something between here and the service answers, and not with a stream')
      }
      silence.broken()
      yield new Uint8Array()
      const reader = response.body.getReader()
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        silence.broken()
        yield piece.value
      }
    } finally {
      silence.over()
    }
  }

  /** Fetches an article. */
  async article(story: string, signal: AbortSignal): Promise<unknown> {
    const silence = new Silence(FETCH_MS_MAX, signal)
    try {
      const path = `/v1/stories/${encodeURIComponent(story)}`
      const text = await (await this.#ask(path, 'application/json', silence.signal)).text()
      return parsed(text) ?? Promise.reject(new Unavailable('the answer cannot be read'))
    } finally {
      silence.over()
    }
  }

  async #ask(path: string, type: string, signal: AbortSignal): Promise<Response> {
    const headers = { ...this.#headers, Accept: type }
    const response = await this.#fetch(this.#base + path, { headers, signal, cache: 'no-store' })
    if (response.status === 200) return response
    if (response.status === 410) throw new Gone('the service cannot go on from there')
    if ([408, 425, 429].includes(response.status) || response.status >= 500) {
      const seconds = response.headers.get('retry-after') ?? ''
      const delay = /^[0-9]+$/.test(seconds) ? Math.min(Number(seconds) * 1_000, RETRY_AFTER_MS_MAX) : 0
      throw new Unavailable(`the service answers ${response.status}`, delay)
    }
    const problem = parsed(await response.text())
    throw new FollowError(response.status, typeof problem === 'object' ? { ...problem } : {})
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
