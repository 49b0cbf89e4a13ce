/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 as tokens and keys have it: with '-' and '_', without '=' at the end. (Source: RFC 4648
 * §5, RFC 7515 §2)
 */
#ifndef BROKER_AUTH_BASE64URL_H
#define BROKER_AUTH_BASE64URL_H

#include "base/bytes.h"

/* Bytes that a text of that size stands for. */
static inline size_t base64url_size(size_t text_size)
{
    return text_size / 4 * 3 + (text_size % 4 * 3) / 4;
}

/* Writes base64url_size() bytes. False for a text that no encoder writes. */
bool base64url_decode(struct bytes text, uint8_t *out);

#endif
