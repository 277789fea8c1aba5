/**
 * Articles: their types and their hash. Pure: nothing here reads a clock or a socket, and an article is never
 * changed in place.
 */

import { Sha256 } from './sha256.ts'

export type Status = 'draft' | 'embargoed' | 'scheduled' | 'usable' | 'withheld' | 'killed' | 'takendown'
export type Kind =
  | 'alert' | 'update' | 'correction' | 'clarification' | 'refile' | 'advisory' | 'withhold' | 'release'
  | 'kill' | 'takedown' | 'unpublish' | 'restore' | 'redaction' | 'embargo'
export type Level = 'minor' | 'notable' | 'substantive'

/** One piece of inline mark-up; the range counts bytes of the block's UTF-8 text. */
export interface Mark {
  readonly start: number
  readonly end: number
  readonly kind: string
  readonly href?: string
}

/** One ordered unit of the body. Its id stays the same when it is edited or moved. */
export interface Block {
  readonly id: string
  readonly kind: string
  readonly text: string
  readonly marks?: readonly Mark[]
}

/** An article as `GET /v1/stories/{story}` gives it. */
export interface Article {
  readonly story: string
  readonly slug?: string
  readonly desk: string
  readonly revision: number
  readonly status: Status
  readonly kind: Kind
  readonly headline: string
  readonly summary: string | null
  readonly bylines?: readonly string[]
  readonly dateline?: string
  readonly language?: string
  readonly tags?: readonly string[]
  readonly links?: readonly string[]
  readonly urgency?: number | string
  readonly pinned?: readonly string[]
  readonly blocks: readonly Block[]
  readonly hash: string
  readonly recorded: string
  readonly published?: string
  readonly significant?: string
  readonly cursor: string
}

/** An article or a change that is not what it promises; the message says what is wrong. */
export class Refused extends Error {
  override name = 'Refused'
}

/** Fields in the order in which they are hashed. */
export const FIELDS = [
  'slug', 'headline', 'summary', 'bylines', 'dateline', 'language', 'tags', 'links', 'urgency', 'pinned',
] as const
export type Field = (typeof FIELDS)[number]
/** Those of them that hold a list of texts. */
export const LISTS: ReadonlySet<string> = new Set<Field>(['bylines', 'tags', 'links', 'pinned'])

/** Hashes of blocks by identity, so that the next revision costs what changed. */
export type Hashes = WeakMap<Block, Uint8Array>

const encoder = new TextEncoder()

/** Returns a text as UTF-8. */
export function utf8(text: string): Uint8Array {
  // The encoder would make U+FFFD of it, and two texts would have one hash.
  if (/\p{Surrogate}/u.test(text)) throw new Refused('a text has half a character')
  return encoder.encode(text)
}

/** Returns the hash of an article (docs/FORMAT.md, 2): `sha256:` and 64 hexadecimal digits. */
export function articleHash(article: Pick<Article, 'blocks' | 'headline' | 'summary'>, hashes?: Hashes): string {
  const present: [string, readonly string[]][] = []
  for (const name of FIELDS) {
    const value: unknown = (article as Partial<Article>)[name]
    const items = Array.isArray(value) ? value.map(asText) : value == null || value === '' ? [] : [String(value)]
    if (items.length > 0) present.push([name, items])
  }
  const hash = new Sha256().update(utf8('writethru/article/v1'))
  number(hash, present.length)
  for (const [name, items] of present) {
    text(hash, name)
    number(hash, items.length)
    for (const item of items) text(hash, item)
  }
  number(hash, article.blocks.length)
  for (const block of article.blocks) hash.update(blockHash(block, hashes))
  return 'sha256:' + [...hash.digest()].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

function blockHash(block: Block, hashes?: Hashes): Uint8Array {
  const known = hashes?.get(block)
  if (known) return known
  const hash = new Sha256().update(utf8('writethru/block/v1'))
  text(hash, block.id)
  text(hash, block.kind)
  text(hash, block.text)
  number(hash, block.marks?.length ?? 0)
  for (const mark of block.marks ?? []) {
    number(hash, mark.start)
    number(hash, mark.end)
    text(hash, mark.kind)
    text(hash, mark.href ?? '')
  }
  const digest = hash.digest()
  hashes?.set(block, digest)
  return digest
}

function text(hash: Sha256, value: string): void {
  const bytes = utf8(value)
  number(hash, bytes.length)
  hash.update(bytes)
}

function number(hash: Sha256, value: number): void {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, Math.floor(value / 0x1_0000_0000))
  view.setUint32(4, value >>> 0)
  hash.update(bytes)
}

/**
 * Returns `given` as an article, once it has proved to be one and to have the hash that it states.
 *
 * @throws {Refused}
 */
export function verified(given: unknown, hashes: Hashes): Article {
  const article = asObject(given) as unknown as Article
  for (const name of ['story', 'desk', 'cursor', 'headline', 'status', 'hash'] as const) asText(article[name])
  asCount(article.revision)
  const seen = new Set<string>()
  for (const block of asList(article.blocks)) {
    const { id } = checkedBlock(asObject(block) as unknown as Block)
    if (seen.has(id)) throw new Refused(`block ${id} is there twice`)
    seen.add(id)
  }
  if (articleHash(article, hashes) !== article.hash) {
    throw new Refused('the article does not have the hash that it states')
  }
  return article
}

/** Returns the block, if it is one and its marks lie in its text. */
export function checkedBlock(block: Block): Block {
  for (const value of [block.id, block.kind, block.text]) asText(value)
  if (block.marks === undefined) return block
  const bytes = utf8(block.text)
  for (const mark of asList(block.marks)) {
    const { start, end, kind, href } = asObject(mark)
    asText(kind)
    if (href != null) asText(href)
    if (!(asCount(start) <= asCount(end) && isEdge(bytes, start as number) && isEdge(bytes, end as number))) {
      throw new Refused(`a mark of block ${block.id} does not lie in its text`)
    }
  }
  return block
}

/** Returns whether no character of `bytes` reaches over `at`. */
export function isEdge(bytes: Uint8Array, at: number): boolean {
  return at === bytes.length || (at < bytes.length && (bytes[at]! & 0xc0) !== 0x80)
}

export function asText(value: unknown): string {
  if (typeof value !== 'string') throw new Refused('a member is no text')
  return value
}

export function asCount(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Refused('a member is no whole number')
  return value as number
}

export function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Refused('a member is no list')
  return value
}

export function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused('this is no object')
  return value as Record<string, unknown>
}
