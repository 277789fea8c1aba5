// A service that says what a script tells it to, over real HTTP.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/** Returns the cases of a fixture that all replicas share. */
export const fixture = name =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')).cases

/** Returns the articles and changes of the story that the fixtures tell, from the first revision. */
export const story = () => {
  const told = fixture('changes.json').slice(0, 9)
  return { articles: told.map(({ after }) => after), changes: told.map(({ change }) => change) }
}

/** Returns a connection on which `changes` are told. */
export const stream = (...changes) => {
  const events = changes.map(change => `id: ${change.cursor}\ndata: ${JSON.stringify({ data: change })}\n\n`)
  const cursor = changes.at(-1)?.cursor ?? '0000000000000007-0000000000000000'
  return { status: 200, body: `retry: 1\n\n${events.join('')}event: up-to-date\nid: ${cursor}\ndata: {}\n\n` }
}

export const REFUSED = { status: 404, body: '{"title": "Not found", "detail": "There is no such story."}' }

/**
 * Answers streams with the connections of a script, one after another, and articles by their path.
 *
 * A body is cut at odd places, and every second one is broken off. Where the script has ended, a stream stays open
 * and says nothing. `stay`: so does its last connection. `gate` is waited for before any connection but the first.
 */
export const scripted = async (connections, { articles = {}, stay = false, gate = Promise.resolve() } = {}) => {
  const asked = []
  let waiting = []
  const events = async (request, response) => {
    const url = new URL(request.url, 'http://service')
    const number = asked.push({ path: url.pathname, query: url.searchParams, headers: request.headers }) - 1
    waiting = waiting.filter(({ count, resolve }) => asked.length < count || resolve())
    const { status, body } = connections[number] ?? { status: 200, body: '' }
    if (number > 0) await gate
    response.writeHead(status, { 'content-type': status === 200 ? 'text/event-stream' : 'application/problem+json' })
    response.flushHeaders()
    const bytes = Buffer.from(body)
    for (let at = 0; at < bytes.length; at += 997) response.write(bytes.subarray(at, at + 997))
    const stays = number >= connections.length || (stay && number === connections.length - 1)
    if (stays) return
    if (number % 2 === 1 && status === 200) response.write(': \n\n', () => request.socket.destroySoon())
    else response.end()
  }
  const server = createServer((request, response) => {
    if (request.url.includes('/events')) return void events(request, response)
    const article = articles[request.url]
    response.writeHead(article ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(article ?? { title: 'Not found', detail: 'There is no such story.' }))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    asked,
    articles,
    /** Resolves once so many streams have been asked for. */
    askedFor: count => new Promise(resolve => (asked.length >= count ? resolve() : waiting.push({ count, resolve }))),
    close: () =>
      new Promise(resolve => {
        server.close(resolve)
        server.closeAllConnections?.()
      }),
  }
}
