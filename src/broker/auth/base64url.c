/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/base64url.h"

/* The six bits that a letter stands for; negative: it is none. */
static int bits_of(uint8_t letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '-' ? 62 : letter == '_' ? 63 : -1;
}

bool base64url_decode(struct bytes text, uint8_t *out)
{
    uint32_t pending = 0;
    unsigned count = 0; /* of bits that are pending */

    if (text.size % 4 == 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        int bits = bits_of(text.data[i]);

        if (bits < 0)
            return false;
        pending = pending << 6 | (uint32_t)bits;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        *out++ = (uint8_t)(pending >> count);
        pending &= (1u << count) - 1;
    }
    return pending ==
            0; /* The bits that are left over say nothing, so there is one text for each. */
}
