// SPDX-License-Identifier: Apache-2.0
// MQTT.js's client with calls that are done when the server has answered.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import mqtt from 'mqtt'

const PATIENCE_MS = 90000 // far more than anything here takes
const FOREVER_S = 0xffffffff

const versions = {
    '3.1': { protocolId: 'MQIsdp', protocolVersion: 3 },
    '3.1.1': { protocolVersion: 4 },
    '5.0': { protocolVersion: 5 },
}

/**
 * One connection; `messages` grows as they arrive, `connack` is the server's packet, `socket` the
 * WebSocket if it is one. With COMPRESSED in the environment that must have agreed on compression.
 */
export class Client {
    messages = []

    /**
     * options: MQTT.js's own; durable: the session outlives the connection; authenticate: gives
     * the answer to an AUTH's data.
     */
    static async connect(server, clientId,
        { durable = false, properties = {}, authenticate, ...options } = {}) {
        const client = new Client()
        const expiry = durable ? { sessionExpiryInterval: FOREVER_S } : {}
        client.v5 = server.version === '5.0'
        client.mqtt = mqtt.connect(server.url, {
            ...versions[server.version],
            clientId,
            clean: !durable,
            reconnectPeriod: 0,
            connectTimeout: PATIENCE_MS,
            wsOptions: {
                finishRequest(request, socket) {
                    client.socket = socket
                    request.end()
                },
            },
            ...(client.v5 ? { properties: { ...expiry, ...properties } } : {}),
            ...options,
        })
        if (authenticate)
            client.mqtt.handleAuth = ({ properties }, answer) => answer(null, {
                cmd: 'auth',
                reasonCode: 0x18,
                properties: {
                    authenticationMethod: properties.authenticationMethod,
                    authenticationData: Buffer.from(authenticate(properties.authenticationData)),
                },
            })
        client.mqtt.on('message', (topic, payload, packet) => client.messages.push(packet))
        const [connack] = await once(client.mqtt, 'connect',
            { signal: AbortSignal.timeout(PATIENCE_MS) })
        client.connack = connack
        if (process.env.COMPRESSED)
            assert.ok(client.socket.extensions.startsWith('permessage-deflate'))
        return client
    }

    /** Resolves to the granted QoS. */
    async subscribe(filter, qos, properties) {
        const options = properties ? { qos, properties } : { qos }
        const [granted] = await this.mqtt.subscribeAsync(filter, options)
        return granted.qos
    }

    async publish(topic, payload, qos = 0, options = {}) {
        await this.mqtt.publishAsync(topic, payload, { qos, ...options })
    }

    /** The first `count` messages, once there are so many; there must not be more. */
    async take(count) {
        const signal = AbortSignal.timeout(PATIENCE_MS)
        while (this.messages.length < count)
            await once(this.mqtt, 'message', { signal })
        assert.equal(this.messages.length, count)
        return this.messages
    }

    /** Nothing more has come: what the client sends to itself is the next that it gets. */
    async expectNoMore() {
        const count = this.messages.length
        const topic = `end/${this.mqtt.options.clientId}`
        await this.subscribe(topic, 1)
        await this.publish(topic, '', 1)
        const messages = await this.take(count + 1)
        assert.equal(messages.pop().topic, topic)
    }

    /** Ends with a DISCONNECT. */
    async disconnect() {
        await this.mqtt.endAsync()
    }

    /** Ends as a crash would: the server sees a closed connection and no DISCONNECT. */
    async drop() {
        this.mqtt.stream.destroy()
        await once(this.mqtt, 'close')
    }
}
