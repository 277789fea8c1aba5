// What a replica promises beside what it makes of a stream.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Closed, FollowError, follow, followAll } from '../dist/index.js'
import { REFUSED, fixture, scripted, story, stream } from './service.js'

const LIFE = fixture('streams.json')[0]
const { articles: ARTICLES, changes: CHANGES } = story()
const STORY = ARTICLES[0].story

/** Runs `body` with a service that is closed afterwards. */
const served = (connections, options, body) => async () => {
  const service = await scripted(connections, options)
  try {
    await body(service)
  } finally {
    await service.close()
  }
}

test('a revision is waited for, and the wait can be given up', served(LIFE.connections, { stay: true }, async service => {
  const replica = await follow(service.url, { story: 'ferry' })
  assert.ok((await replica.waitUntil(9)).revision >= 9)
  assert.deepEqual([replica.revision, replica.current], [9, LIFE.current])
  await assert.rejects(replica.waitUntil(10, { signal: AbortSignal.timeout(1) }), { name: 'TimeoutError' })
  const waiting = assert.rejects(replica.waitUntil(10), Closed)
  await replica.close()
  await waiting
  assert.equal(replica.status, 'closed')
  assert.deepEqual(replica.current, LIFE.current, 'the article outlives the replica')
}))

test('what the service refuses is said at once', served([REFUSED], {}, async service => {
  await assert.rejects(follow(service.url, { story: 'no-such-story' }), error => {
    assert.ok(error instanceof FollowError)
    assert.deepEqual([error.status, error.problem.title], [404, 'Not found'])
    return /no such story/.test(error.message)
  })
}))

test('a story that goes ends the replica with the reason', served([stream(CHANGES[0]), REFUSED], {}, async service => {
  const replica = await follow(service.url, { story: 'ferry' })
  await assert.rejects(async () => {
    for await (const _ of replica);
  }, FollowError)
  assert.equal(replica.status, 'closed')
}))

test('closing ends a loop', served([stream(CHANGES[0])], { stay: true }, async service => {
  const read = async replica => {
    for await (const _ of replica);
  }
  const closed = await follow(service.url, { story: 'ferry' })
  const reading = read(closed)
  await closed.close()
  await reading
}))

test('aborting throws the reason out of a loop and a beginning', served([stream(CHANGES[0])], { stay: true }, async service => {
  const aborting = new AbortController()
  const replica = await follow(service.url, { story: 'ferry', signal: aborting.signal })
  const reading = assert.rejects(async () => {
    for await (const _ of replica);
  }, /enough/)
  aborting.abort(new Error('enough'))
  await reading
  assert.equal(replica.status, 'closed')
  await assert.rejects(follow(service.url, { story: 'ferry', signal: aborting.signal }), /enough/)
}))

test('a slow reader is told that it was behind and gets the newest', served(LIFE.connections, { stay: true }, async service => {
  const replica = await follow(service.url, { story: 'ferry', updatesWaiting: 3 })
  await replica.waitUntil(9)
  for await (const update of replica) {
    assert.deepEqual(update, { story: STORY, reset: 'behind', article: LIFE.current })
    break
  }
  await replica.close()
}))

test('it resumes from an article that was kept', served([stream(...CHANGES.slice(3, 5))], { stay: true }, async service => {
  const resume = ARTICLES[2]
  const replica = await follow(service.url, { story: 'ferry', resume })
  assert.deepEqual(await replica.waitUntil(5), ARTICLES[4])
  for await (const update of replica) {
    assert.deepEqual([update.reset, update.change.to], [undefined, 4])
    break
  }
  await replica.close()
  assert.equal(service.asked[0].query.get('since'), resume.cursor)
  await assert.rejects(follow(service.url, { story: 'ferry', resume: { ...resume, headline: 'Forged' } }), TypeError)
}))

test('a service that is not there is waited for until the signal', async () => {
  const service = await scripted([])
  await service.close()
  const signal = AbortSignal.timeout(50)
  await assert.rejects(follow(service.url, { story: 'ferry', signal }), { name: 'TimeoutError' })
  for (const wrong of ['ferry', 'ftp://host', 'http://', 'http://host/?a=1']) {
    await assert.rejects(follow(wrong, { story: 'ferry' }), TypeError)
  }
})

test('a key is sent, and the platform may bring its own fetch', served([stream(CHANGES[0])], { stay: true }, async service => {
  let calls = 0
  const own = (...given) => fetch(...given, calls++)
  const replica = await follow(service.url + '/', { story: 'a/b', key: 'secret', fetch: own })
  const [{ path, headers }] = service.asked
  assert.deepEqual([path, headers.authorization, headers.accept, calls],
    ['/v1/stories/a%2Fb/events', 'Bearer secret', 'text/event-stream', 1])
  await replica.close()
}))

test('articles of many stories are held from when they are asked for', async () => {
  const path = `/v1/stories/${STORY}`
  let open
  const gate = new Promise(resolve => (open = resolve))
  const script = [stream(CHANGES[0]), stream(CHANGES[2], CHANGES[4], CHANGES[5])]
  const articles = { [path]: ARTICLES[1] }
  await served(script, { articles, gate, stay: true }, async service => {
    const stories = await followAll(service.url, { desk: 'world', headlineOnly: true, since: 'earliest' })
    const reader = stories[Symbol.asyncIterator]()
    const next = async () => {
      const { change, reset, article } = (await reader.next()).value
      return [change?.to, reset, article]
    }
    assert.deepEqual(await next(), [1, undefined, undefined], 'nothing is held before it is asked for')
    assert.deepEqual(await stories.article(STORY), ARTICLES[1])
    articles[path] = ARTICLES[4]
    open()
    assert.deepEqual(await next(), [3, undefined, ARTICLES[2]])
    assert.deepEqual(await next(), [5, 'hole', ARTICLES[4]])
    assert.deepEqual(await next(), [6, undefined, ARTICLES[5]])
    assert.deepEqual([...stories.articles], [[STORY, ARTICLES[5]]])
    stories.forget(STORY)
    assert.equal(stories.articles.size, 0)
    await assert.rejects(stories.article('0192ffff-0000-7000-8000-000000000000'), FollowError)
    assert.equal(service.asked[0].query.toString(), 'desk=world&headline_only=true&since=earliest')
    await stories.close()
  })()
})
