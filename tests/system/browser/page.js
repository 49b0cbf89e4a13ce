// SPDX-License-Identifier: Apache-2.0
// What a page does with MQTT.js: it connects, subscribes, and publishes what it then gets itself.
// The query names the server (url) and the version; what came of it is posted to /result.

const LARGE = 'temperature=21.5;'.repeat(20000)

/** Remembers the browser's own WebSocket, which MQTT.js hides. */
function watchSockets() {
    const sockets = []
    window.WebSocket = class extends WebSocket {
        constructor(...how) {
            super(...how)
            sockets.push(this)
        }
    }
    return sockets
}

function converse(query) {
    return new Promise((resolve) => {
        const result = { messages: [] }
        const client = mqtt.connect(query.get('url'), {
            protocolVersion: Number(query.get('version')),
            reconnectPeriod: 0,
            forceNativeWebSocket: true,
        })
        const payloads = ['first', LARGE, 'last']

        client.on('connect', async () => {
            result.connected = true
            await client.subscribeAsync('page/#', { qos: 2 })
            for (const [qos, payload] of payloads.entries())
                await client.publishAsync('page/a', payload, { qos })
        })
        client.on('message', (topic, payload, packet) => {
            const text = payload.toString()
            result.messages.push([topic, text === LARGE ? 'LARGE' : text, packet.qos])
            if (result.messages.length === payloads.length)
                client.end()
        })
        client.on('error', (error) => (result.error = `${error.message}`))
        client.on('close', () => resolve(result))
    })
}

async function main() {
    const query = new URLSearchParams(window.location.search)
    const sockets = watchSockets()
    const result = await converse(query)

    result.protocol = sockets[0].protocol
    result.extensions = sockets[0].extensions
    await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
}

main()
