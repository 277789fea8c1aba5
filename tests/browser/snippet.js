// Runs CODE, a snippet of the guide, in a page of the service at BASE, and prints what it says to the console
// until a line that begins with LAST has come.

import { chromium } from 'playwright-core'

const { BASE, CHROMIUM, CODE, LAST } = process.env
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
const page = await browser.newPage()
const done = new Promise(resolve => page.on('console', message => {
  console.log(message.text())
  if (message.text().startsWith(LAST)) resolve()
}))
await page.goto(`${BASE}/`)
await page.evaluate(CODE)
await done
await browser.close()
