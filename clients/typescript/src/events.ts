/** Server-sent events, as the standard parses them (WHATWG HTML, 9.2.6). Pure: bytes in, events out. */

/** One event: its name (`message` if it has none), its data, and the last id that was given. */
export interface StreamEvent {
  readonly name: string
  readonly data: string
  readonly id: string
}

/** Most characters of one event: the largest legal article, escaped at its worst, fits. */
const EVENT_MAX = 64 * 1024 * 1024

/** An event that is larger than any legal one: leave this stream. */
export class TooLarge extends Error {
  override name = 'TooLarge'
}

/** Takes a stream apart, however its bytes are cut. */
export class Parser {
  /** After how long to come again, once the stream has said it. */
  retryMs: number | undefined
  /** It also takes the mark of the byte order away. */
  readonly #decoder = new TextDecoder()
  /** What has come of a line that has not ended. */
  #waiting: string[] = []
  #afterReturn = false
  #id = ''
  #name = ''
  #data: string[] = []
  #size = 0

  /**
   * Takes the next bytes; returns the events that end in them.
   *
   * @throws {TooLarge}
   */
  feed(bytes: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = []
    const text = this.#decoder.decode(bytes, { stream: true })
    const ends = /[\r\n]/g
    let start = 0
    while (start < text.length) {
      if (this.#afterReturn) {
        // The second half of a line end that was cut in two.
        this.#afterReturn = false
        if (text[start] === '\n') {
          start++
          continue
        }
      }
      ends.lastIndex = start
      const end = ends.exec(text)?.index
      this.#grow(text.slice(start, end))
      if (end === undefined) break
      this.#afterReturn = text[end] === '\r'
      start = end + 1
      const line = this.#waiting.join('')
      this.#waiting = []
      const event = this.#line(line)
      if (event) events.push(event)
    }
    return events
  }

  #grow(text: string): void {
    this.#waiting.push(text)
    this.#size += text.length
    if (this.#size > EVENT_MAX) throw new TooLarge('an event is larger than any legal one')
  }

  #line(line: string): StreamEvent | undefined {
    if (line === '') return this.#dispatched()
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#name = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.retryMs = Number(value.slice(0, 9))
    return undefined
  }

  #dispatched(): StreamEvent | undefined {
    const event = { name: this.#name || 'message', data: this.#data.join('\n'), id: this.#id }
    const isEvent = this.#data.length > 0
    this.#name = ''
    this.#data = []
    this.#size = 0
    return isEvent ? event : undefined
  }
}
