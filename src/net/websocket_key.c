/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket_key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

/* SHA-1, whose weakness does not matter here. */
void websocket_key_accept(char out[static WEBSOCKET_ACCEPT_SIZE], struct bytes key)
{
    static const char salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[WEBSOCKET_KEY_SIZE + sizeof(salt) - 1];
    uint8_t digest[SHA_DIGEST_LENGTH];

    assert(key.size == WEBSOCKET_KEY_SIZE);
    memcpy(text, key.data, WEBSOCKET_KEY_SIZE);
    memcpy(text + WEBSOCKET_KEY_SIZE, salt, sizeof(salt) - 1);
    SHA1(text, sizeof(text), digest);
    EVP_EncodeBlock((uint8_t *)out, digest, sizeof(digest));
}
