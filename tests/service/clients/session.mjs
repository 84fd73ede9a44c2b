// Send a session with `@segment/analytics-node`, told nothing but its host and key: session.mjs HOST KEY < calls.json.
import { readFileSync } from 'node:fs'
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, maxRetries: 2 })
analytics.on('error', (error) => {
  console.error(error.code, error.reason)
  process.exitCode = 1
})
for (const { method, timestamp, ...given } of JSON.parse(readFileSync(0, 'utf8'))) {
  analytics[method]({ ...given, timestamp: new Date(timestamp) })
}
await analytics.closeAndFlush({ timeout: 20_000 })
