// The description of messages, judged by the parser of the AsyncAPI project, which fetches the schemas itself.
// BASE is a running service.

import assert from 'node:assert/strict'
import test from 'node:test'
import { DiagnosticSeverity, Parser } from '@asyncapi/parser'

const source = `${process.env.BASE}/asyncapi.json`
const parsed = async text => {
  const { document, diagnostics } = await new Parser().parse(text, { source })
  return { document, faults: diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning) }
}

test('the description is valid, and every message in it has the members that its schema names', async () => {
  const text = await (await fetch(source)).text()
  const { document, faults } = await parsed(text)
  assert.deepEqual(faults, [])
  assert.equal(document.version(), '3.0.0')
  const payloads = new Map(document.components().messages().all().map(message => [message.id(), message.payload().json()]))
  assert.ok(payloads.get('changed').properties.data.properties.ops, 'a change says what it is made of')
  assert.ok(payloads.get('recalled').properties.data.properties.voids)
  assert.ok(payloads.get('request-push').properties.query.properties.slug)
  for (const [name, payload] of payloads) {
    const says = payload.properties ?? payload.oneOf ?? payload.anyOf ?? payload.pattern
    assert.ok(says, `${name} has a schema that says nothing: ${JSON.stringify(payload)}`)
  }
  for (const operation of document.allOperations().all()) {
    assert.ok(operation.channels().all().length, `${operation.id()} is on no channel`)
    if (operation.id().startsWith('answer-')) assert.ok(operation.reply(), `${operation.id()} has no reply`)
  }
})

test('the parser would have said so', async () => {
  const described = await (await fetch(source)).json()
  described.operations['send-changes'].action = 'publish'
  assert.notDeepEqual((await parsed(JSON.stringify(described))).faults, [])
  delete described.operations['send-changes']
  described.components.messages.changed.payload.$ref = '/schemas/none.v1.json'
  assert.notDeepEqual((await parsed(JSON.stringify(described))).faults, [])
})
