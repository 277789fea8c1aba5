// The fixtures that the replicas of every language share.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { articleHash, follow, recallOf } from '../dist/index.js'
import { applied } from '../dist/change.js'
import { Parser } from '../dist/events.js'
import { Sha256 } from '../dist/sha256.js'
import { fixture, scripted } from './service.js'

const frozen = value => {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

test('the hash is SHA-256 at every length', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 7) % 256)
  for (let length = 0; length <= bytes.length; length++) {
    const wanted = createHash('sha256').update(bytes.subarray(0, length)).digest('hex')
    const cut = Math.floor(length / 3)
    const hash = new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut, length))
    assert.equal(Buffer.from(hash.digest()).toString('hex'), wanted, `${length} bytes`)
  }
})

test('each change makes of the article what the service says', () => {
  for (const given of fixture('changes.json')) {
    const { name, before, change, outcome, after } = frozen(given)
    const made = applied(before ?? undefined, change, new WeakMap())
    assert.deepEqual([made.outcome, made.article], [outcome, after], name)
    for (const article of [before, after]) if (article) assert.equal(articleHash(article), article.hash, name)
  }
})

test('half a character is not the one that stands for what cannot be read', () => {
  const { after } = fixture('changes.json')[0]
  const whole = { ...after, headline: 'Ferry \ufffd' }
  assert.match(articleHash(whole), /^sha256:/)
  assert.throws(() => articleHash({ ...whole, headline: 'Ferry \ud800' }), /half a character/)
})

test('kept hashes make no difference', () => {
  const hashes = new WeakMap()
  let held
  for (const { before, change, outcome, after } of fixture('changes.json')) {
    if (outcome !== 'applied') continue
    const base = held?.hash === before?.hash && held?.revision === before?.revision ? held : before
    held = applied(base ?? undefined, change, hashes).article
    assert.deepEqual(held, after)
  }
})

test('what is no change at all is refused', () => {
  const { before, change } = fixture('changes.json')[1]
  const strange = [{}, [], null, 7, 'x', { to: '2' }]
  for (const [member, value] of [['ops', [7]], ['ops', [{ op: 'set' }]], ['ops', 'x'], ['from', -1], ['voids', null]]) {
    strange.push({ ...change, [member]: value })
  }
  for (const given of strange) assert.equal(applied(before, given, new WeakMap()).outcome, 'refused', JSON.stringify(given))
})

test('events are the same however the bytes are cut', () => {
  for (const { name, stream, events, retry_ms } of fixture('events.json')) {
    const bytes = Buffer.from(stream)
    for (let size = 1; size <= bytes.length + 1; size++) {
      const parser = new Parser()
      const made = []
      for (let at = 0; at < bytes.length; at += size) made.push(...parser.feed(bytes.subarray(at, at + size)))
      assert.deepEqual(made.map(event => [event.name, event.data, event.id]), events, `${name}, cut at ${size}`)
      assert.equal(parser.retryMs ?? null, retry_ms, name)
    }
  }
})

const told = update => ({
  from: update.change && !update.change.fetch ? update.change.from : null,
  revision: update.article.revision,
  reset: update.reset ?? null,
  recalled: recallOf(update)?.voids ?? null,
})

for (const life of fixture('streams.json')) {
  test(`a replica lives through: ${life.name}`, async () => {
    const service = await scripted(life.connections)
    try {
      const replica = await follow(service.url, { story: 'ferry' })
      const updates = []
      for await (const update of replica) if (updates.push(told(update)) === life.updates.length) break
      assert.deepEqual(updates, life.updates)
      assert.deepEqual(replica.current, life.current)
      await service.askedFor(life.connections.length + 1)
      const wanted = [...life.connections.map(connection => connection.last_event_id), life.cursor]
      assert.deepEqual(service.asked.map(({ query }) => query.get('since')), wanted)
      assert.equal(replica.cursor, life.cursor)
      await replica.close()
    } finally {
      await service.close()
    }
  })
}
