// SPDX-License-Identifier: Apache-2.0
// What a user of MQTT.js relies on, one scenario a run:
//
//     node scenarios.mjs URL VERSION SCENARIO      (VERSION: 3.1, 3.1.1 or 5.0)
//
// Ends with 0 when all held, else with an error that says what did not.
import assert from 'node:assert/strict'
import { Client } from './client.mjs'
import { Scram } from './scram.mjs'

const WINDOW = 10 // messages that wait for their acknowledgements at once

/** Publishes numbers without waiting in between, then waits for all acknowledgements. */
async function publishAtOnce(publisher, topic, first, count, qos) {
    const numbers = Array.from({ length: count }, (_, i) => first + i)
    await Promise.all(numbers.map((number) => publisher.publish(topic, `${number}`, qos)))
}

const scenarios = {
    async everyQosInOrder(server) {
        const subscriber = await Client.connect(server, 'subscriber')
        const publisher = await Client.connect(server, 'publisher')
        const expected = []
        assert.equal(await subscriber.subscribe('a/+', 2), 2)
        for (const qos of [0, 1, 2]) {
            for (let i = 0; i < 200; i += WINDOW)
                await publishAtOnce(publisher, 'a/b', i, WINDOW, qos)
            for (let i = 0; i < 200; i++)
                expected.push([`${i}`, qos])
            await subscriber.take(expected.length)
        }
        assert.deepEqual(subscriber.messages.map((m) => [`${m.payload}`, m.qos]), expected)
        await publisher.disconnect()
        await subscriber.disconnect()
    },

    // 3.1.1 has no Receive Maximum, and MQTT.js sends all that it is given.
    async burst(server) {
        const subscriber = await Client.connect(server, 'subscriber')
        const publisher = await Client.connect(server, 'publisher')
        await subscriber.subscribe('a', 2)
        await publishAtOnce(publisher, 'a', 0, 500, 2)
        const messages = await subscriber.take(500)
        messages.forEach((message, i) => assert.equal(`${message.payload}`, `${i}`))
        await publisher.disconnect()
        await subscriber.disconnect()
    },

    async largePayload(server) {
        const client = await Client.connect(server, 'client')
        const payload = Buffer.alloc(1 << 20, 'abcdefg')
        await client.subscribe('large', 2)
        for (const qos of [0, 1, 2])
            await client.publish('large', payload, qos)
        for (const message of await client.take(3))
            assert.ok(message.payload.equals(payload))
        await client.disconnect()
    },

    async retainedMessages(server) {
        const publisher = await Client.connect(server, 'publisher')
        await publisher.publish('state', 'old', 1, { retain: true })
        await publisher.publish('state', 'new', 2, { retain: true })
        const late = await Client.connect(server, 'late')
        await late.subscribe('state', 2)
        const [message] = await late.take(1)
        assert.equal(`${message.payload}`, 'new')
        assert.ok(message.retain)
        assert.equal(message.qos, 2)
        await publisher.publish('state', '', 1, { retain: true })
        const later = await Client.connect(server, 'later')
        await later.subscribe('state', 2)
        await later.expectNoMore()
        for (const client of [publisher, late, later])
            await client.disconnect()
    },

    async will(server) {
        const will = { topic: 'status', payload: Buffer.from('offline'), qos: 1, retain: true }
        const watcher = await Client.connect(server, 'watcher')
        await watcher.subscribe('status', 2)
        await (await Client.connect(server, 'leaving', { will })).disconnect()
        await watcher.expectNoMore()
        await (await Client.connect(server, 'dying', { will })).drop()
        const [message] = await watcher.take(1)
        assert.equal(`${message.payload}`, 'offline')
        assert.equal(message.qos, 1)
        await watcher.disconnect()
    },

    async durableSession(server) {
        const first = await Client.connect(server, 'durable', { durable: true })
        assert.equal(first.connack.sessionPresent, false)
        await first.subscribe('news', 2)
        await first.drop()
        const publisher = await Client.connect(server, 'publisher')
        for (let i = 0; i < 50; i++) {
            await publisher.publish('news', `${i}`, 1)
            await publisher.publish('news', `${i}`, 2)
        }
        const back = await Client.connect(server, 'durable', { durable: true })
        assert.equal(back.connack.sessionPresent, server.version !== '3.1')
        await back.take(100)
        await back.expectNoMore()
        for (const qos of [1, 2]) // MQTT.js gives out a QoS 2 message when its PUBREL has come
            assert.deepEqual(
                back.messages.filter((m) => m.qos === qos).map((m) => +`${m.payload}`),
                Array.from({ length: 50 }, (_, i) => i))
        await back.disconnect()
        await publisher.disconnect()
    },

    async sharedSubscription(server) {
        const members = []
        for (let i = 0; i < 3; i++) {
            members.push(await Client.connect(server, `member${i}`))
            await members[i].subscribe('$share/group/jobs/#', 1)
        }
        const everything = await Client.connect(server, 'everything')
        await everything.subscribe('jobs/#', 1)
        const publisher = await Client.connect(server, 'publisher')
        let given_out = 0
        const all_given_out = new Promise((resolve) => {
            for (const member of members)
                member.mqtt.on('message', () => ++given_out === 150 && resolve())
        })
        for (let i = 0; i < 150; i++)
            await publisher.publish(`jobs/${i % 3}`, `${i}`, 1)
        await everything.take(150)
        await all_given_out
        for (const member of members)
            await member.expectNoMore()
        const given = members.flatMap((member) => member.messages.map((m) => +`${m.payload}`))
        given.sort((a, b) => a - b)
        assert.deepEqual(given, Array.from({ length: 150 }, (_, i) => i))
        assert.ok(members.every((member) => member.messages.length > 0))
        for (const client of [...members, everything, publisher])
            await client.disconnect()
    },

    async properties(server) {
        const client = await Client.connect(server, 'client')
        const properties = {
            payloadFormatIndicator: true,
            contentType: 'text/plain',
            responseTopic: 'answers',
            correlationData: Buffer.from([0, 1, 255]),
            userProperties: { name: ['one', 'two'], other: 'ü' },
        }
        await client.subscribe('a', 1, { subscriptionIdentifier: 4711 })
        await client.publish('a', 'x', 1,
            { properties: { ...properties, messageExpiryInterval: 1000 } })
        const [message] = await client.take(1)
        const { messageExpiryInterval, subscriptionIdentifier, userProperties, ...rest } =
            message.properties
        const { userProperties: sentUserProperties, ...sent } = properties
        assert.deepEqual({ ...userProperties }, sentUserProperties)
        assert.deepEqual(rest, sent)
        assert.equal(subscriptionIdentifier, 4711)
        assert.ok(messageExpiryInterval >= 990 && messageExpiryInterval <= 1000)
        await client.disconnect()
    },

    async topicAliases(server) {
        const client = await Client.connect(server, 'client',
            { autoUseTopicAlias: true, autoAssignTopicAlias: true,
              properties: { topicAliasMaximum: 5 } })
        assert.ok(client.connack.properties.topicAliasMaximum > 0)
        await client.subscribe('+', 1)
        for (let i = 0; i < 60; i++)
            await client.publish(`topic${i % 20}`, `${i}`, 1)
        const messages = await client.take(60)
        messages.forEach((message, i) => assert.equal(`${message.payload}`, `${i}`))
        await client.disconnect()
    },

    async reasonCodes(server) {
        const client = await Client.connect(server, 'client')
        await client.subscribe('a', 1)
        let unsubscribed = await client.mqtt.unsubscribeAsync('a')
        assert.deepEqual(unsubscribed.granted, [0])
        unsubscribed = await client.mqtt.unsubscribeAsync('a')
        assert.deepEqual(unsubscribed.granted, [0x11])
        const codes = []
        client.mqtt.on('packetreceive', (packet) => codes.push([packet.cmd, packet.reasonCode]))
        await client.publish('nobody/listens', 'x', 1)
        assert.deepEqual(codes, [['puback', 0x10]])
        await client.disconnect()
    },

    /** Logs in by SCRAM-SHA-256 as USER with PASSWORD. */
    async scram(server) {
        const login = new Scram(process.env.USER, process.env.PASSWORD)
        const client = await Client.connect(server, 'client', {
            properties: {
                authenticationMethod: 'SCRAM-SHA-256',
                authenticationData: Buffer.from(login.first),
            },
            authenticate: (data) => login.final(`${data}`),
        })
        assert.equal(`${client.connack.properties.authenticationData}`, login.answer)
        await client.publish(`${process.env.USER}/a`, 'x', 1)
        await client.disconnect()
    },

    async takeover(server) {
        const first = await Client.connect(server, 'same')
        const ended = new Promise((resolve) => first.mqtt.on('disconnect', resolve))
        const second = await Client.connect(server, 'same')
        assert.equal((await ended).reasonCode, 0x8e)
        await second.disconnect()
    },
}

const [url, version, name] = process.argv.slice(2)
await scenarios[name]({ url, version })
