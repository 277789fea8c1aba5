/** Changes: what they do to an article. Pure, and nothing is returned whose hash was not promised. */

import {
  FIELDS, LISTS, Refused, articleHash, asCount, asList, asObject, asText, checkedBlock, isEdge, utf8, verified,
} from './article.ts'
import type { Article, Block, Hashes, Kind, Level, Mark, Status } from './article.ts'

/** At byte `at` of the old UTF-8 text stands `old`, and `new` takes its place. */
export type Splice = readonly [at: number, old: string, new: string]

/** One step of a change (docs/FORMAT.md, 5.1). */
export type Op =
  | { readonly op: 'delete'; readonly block: string }
  | { readonly op: 'move'; readonly block: string; readonly after: string | null }
  | { readonly op: 'insert'; readonly block: string; readonly after: string | null; readonly value: Omit<Block, 'id'> }
  | {
      readonly op: 'edit'
      readonly block: string
      readonly kind?: string
      readonly splices?: readonly Splice[]
      readonly marks?: readonly Mark[]
    }
  | {
      readonly op: 'set'
      readonly field: string
      readonly splices?: readonly Splice[]
      readonly value?: string | readonly string[] | null
    }

/** How much a change matters, and why. */
export interface Significance {
  readonly level: Level
  readonly reasons: readonly Readonly<Record<string, unknown>>[]
  readonly confidence?: string
}

/** What takes an article from one revision to a later one: exactly one of `ops`, `snapshot` and `fetch` is there. */
export interface Change {
  readonly story: string
  readonly desk: string
  readonly slug: string
  readonly from: number
  readonly to: number
  readonly kind: Kind
  readonly status?: Status
  readonly base: string | null
  readonly target: string
  readonly cursor: string
  readonly recorded: string
  readonly published: string
  readonly significance: Significance
  readonly note: string
  readonly voids: readonly number[]
  readonly ops?: readonly Op[]
  readonly snapshot?: Article
  readonly fetch?: string
  readonly observations?: readonly Readonly<Record<string, unknown>>[]
}

/**
 * What became of a change. `repeated`: pass over it. `hole`: changes in between are missing. `large`: it does not
 * carry the article. `refused`: it is not what it promises.
 */
export type Outcome =
  | { readonly outcome: 'applied'; readonly article: Article }
  | { readonly outcome: 'repeated' | 'hole' | 'large' }
  | { readonly outcome: 'refused'; readonly why: Error }

/** Returns what `change` makes of `article`, which stays as it was; `undefined`: nothing was known yet. */
export function applied(article: Article | undefined, change: unknown, hashes: Hashes): Outcome {
  try {
    return attempt(article, asChange(change), hashes)
  } catch (why) {
    // Whatever a strange member did: it is no change of ours.
    return { outcome: 'refused', why: why instanceof Error ? why : new Refused(String(why)) }
  }
}

/** @throws {Refused} */
export function asChange(given: unknown): Change {
  const change = asObject(given)
  for (const name of ['story', 'desk', 'kind', 'target', 'cursor', 'recorded', 'published', 'note']) asText(change[name])
  asCount(change['from'])
  asCount(change['to'])
  asList(change['voids']).forEach(asCount)
  asText(asObject(change['significance'])['level'])
  return change as unknown as Change
}

function attempt(article: Article | undefined, change: Change, hashes: Hashes): Outcome {
  const revision = article?.revision ?? 0
  if (revision >= change.to) return { outcome: 'repeated' }
  if (change.snapshot !== undefined) {
    const after = verified(change.snapshot, hashes)
    if (after.hash !== change.target || after.revision !== change.to || after.story !== change.story) {
      throw new Refused('the snapshot is not the one that the change promises')
    }
    return { outcome: 'applied', article: after }
  }
  if (change.fetch !== undefined) return { outcome: 'large' }
  if (article === undefined || revision !== change.from) return { outcome: 'hole' }
  if (change.base !== article.hash) throw new Refused('the article is not the one that the change starts from')
  const after = patched(article, change)
  if (articleHash(after, hashes) !== change.target) {
    throw new Refused('the change does not lead to the hash that it promises')
  }
  return { outcome: 'applied', article: after }
}

function patched(article: Article, change: Change): Article {
  const fields: Record<string, unknown> = {}
  for (const name of FIELDS) if (article[name] !== undefined) fields[name] = article[name]
  const body = new Body(article.blocks)
  for (const given of asList(change.ops)) step(fields, body, asObject(given) as unknown as Op)
  fields['headline'] ??= ''
  fields['summary'] ??= null
  const significant = change.significance.level === 'minor' ? article.significant : change.published
  return {
    story: change.story,
    desk: change.desk,
    revision: change.to,
    status: change.status ?? 'usable',
    kind: change.kind,
    ...(fields as Pick<Article, 'headline' | 'summary'>),
    blocks: body.blocks(),
    hash: change.target,
    recorded: change.recorded,
    published: change.published,
    ...(significant === undefined ? {} : { significant }),
    cursor: change.cursor,
  }
}

function step(fields: Record<string, unknown>, body: Body, op: Op): void {
  switch (op.op) {
    case 'delete':
      body.take(op.block)
      return
    case 'move':
      body.put(body.take(op.block), op.after)
      return
    case 'insert':
      body.insert(op.block, op.after, op.value)
      return
    case 'edit':
      body.edit(op)
      return
    case 'set':
      setField(fields, op)
      return
    default:
      throw new Refused('there is no such op')
  }
}

function setField(fields: Record<string, unknown>, op: Op & { op: 'set' }): void {
  const name = op.field
  if (!(FIELDS as readonly string[]).includes(name)) throw new Refused(`readers see no field ${name}`)
  let value: string | readonly string[] | null
  if (LISTS.has(name)) value = op.value === null ? null : asList(op.value).map(asText)
  else if (op.splices !== undefined) value = spliced(fields[name] == null ? '' : String(fields[name]), op.splices)
  else value = op.value === null ? null : asText(op.value)
  if (value === null || value.length === 0) delete fields[name]
  else if (name === 'urgency' && /^(0|[1-9][0-9]{0,2})$/.test(value as string) && Number(value) < 256) {
    fields[name] = Number(value)
  } else fields[name] = value
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function spliced(old: string, splices: readonly Splice[]): string {
  if (splices.length === 0) return old
  const bytes = utf8(old)
  let made = ''
  let start = 0
  for (const given of splices) {
    const [at, gone, come] = asList(given)
    const removed = utf8(asText(gone))
    const end = asCount(at) + removed.length
    const stands = (at as number) >= start && end <= bytes.length && isEdge(bytes, at as number)
    if (!stands || !removed.every((byte, index) => byte === bytes[(at as number) + index])) {
      throw new Refused(`the text at byte ${String(at)} is not the one that the splice replaces`)
    }
    made += decoder.decode(bytes.subarray(start, at as number)) + asText(come)
    start = end
  }
  return made + decoder.decode(bytes.subarray(start))
}

/**
 * The blocks as a linked list, so that each op costs the same however long the body is. `null` stands for the
 * front: it goes before the first block and follows the last one.
 */
class Body {
  readonly #present = new Map<string, Block>()
  readonly #next = new Map<string | null, string | null>()
  readonly #previous = new Map<string | null, string | null>()

  constructor(blocks: readonly Block[]) {
    let before: string | null = null
    for (const block of blocks) {
      this.#present.set(block.id, block)
      this.#join(before, block.id)
      before = block.id
    }
    this.#join(before, null)
  }

  take(block: string): string {
    this.#known(block)
    this.#join(this.#previous.get(block)!, this.#next.get(block)!)
    this.#next.delete(block)
    this.#previous.delete(block)
    return block
  }

  put(block: string, after: string | null): void {
    if (!this.#next.has(after)) throw new Refused(`the article has no block ${String(after)} to follow`)
    const following = this.#next.get(after)!
    this.#join(after, block)
    this.#join(block, following)
  }

  insert(block: string, after: string | null, value: Omit<Block, 'id'>): void {
    if (this.#next.has(block)) throw new Refused(`the article has a block ${block} already`)
    this.#store({ ...value, id: block })
    this.put(block, after)
  }

  edit(op: Op & { op: 'edit' }): void {
    this.#known(op.block)
    const block = this.#present.get(op.block)!
    const { kind = block.kind, splices = [], marks = block.marks } = op
    this.#store({ ...block, kind, text: spliced(block.text, asList(splices) as readonly Splice[]), marks: marks ?? [] })
  }

  blocks(): Block[] {
    const blocks: Block[] = []
    for (let at = this.#next.get(null); at != null; at = this.#next.get(at)) blocks.push(this.#present.get(at)!)
    return blocks
  }

  #known(block: string): void {
    if (block === null || !this.#next.has(block)) throw new Refused(`the article has no block ${String(block)}`)
  }

  #store(given: Block): void {
    const { marks, ...block } = given
    const isMarked = marks !== undefined && asList(marks).length > 0
    this.#present.set(block.id, checkedBlock(isMarked ? { ...block, marks } : block))
  }

  #join(before: string | null, after: string | null): void {
    this.#next.set(before, after)
    this.#previous.set(after, before)
  }
}
