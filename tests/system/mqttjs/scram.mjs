// SPDX-License-Identifier: Apache-2.0
// The client's side of one exchange by SCRAM-SHA-256.
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const hmac = (key, text) => createHmac('sha256', key).update(text).digest()

export class Scram {
    #password
    #nonce = randomBytes(18).toString('base64')
    #bare

    constructor(user, password) {
        this.#password = password
        this.#bare = `n=${user},r=${this.#nonce}`
    }

    /** What the client says first. */
    get first() {
        return `n,,${this.#bare}`
    }

    /** What it says to the server's answer; `answer` is then what the server must say last. */
    final(serverFirst) {
        const [, nonce, salt, rounds] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst)
        assert.ok(nonce.startsWith(this.#nonce) && nonce.length > this.#nonce.length)
        const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(rounds), 32,
            'sha256')
        const key = hmac(salted, 'Client Key')
        const final = `c=biws,r=${nonce}`
        const said = `${this.#bare},${serverFirst},${final}`
        const signature = hmac(createHash('sha256').update(key).digest(), said)
        const proof = Buffer.from(key.map((byte, i) => byte ^ signature[i]))
        this.answer = `v=${hmac(hmac(salted, 'Server Key'), said).toString('base64')}`
        return `${final},p=${proof.toString('base64')}`
    }
}
