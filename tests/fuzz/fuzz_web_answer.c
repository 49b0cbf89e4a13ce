/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A web service's answer of any bytes says yes only by a 200 with "allow" in it.
 */
#include "broker/auth/grants.h"
#include "broker/auth/web_answer.h"
#include "tests/fuzz/system_memory.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1700000000 };

static bool has_allow(struct bytes body)
{
    for (; body.size >= 5; body = bytes_from(body, 1)) {
        if (bytes_start_with(body, BYTES("allow")) || body.data[0] == '\\')
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = { 200, 201, 403, 500 };
    const struct memory memory = system_memory();

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct web_answer answer = web_answer_read(statuses[i], bytes_of(data, size), NOW_S);
        struct grants *grants = NULL;

        if (answer.kind == WEB_ALLOW)
            assert(statuses[i] == 200 && has_allow(bytes_of(data, size)));
        assert(answer.ends_s == 0 || answer.ends_s > NOW_S);
        if (answer.rights)
            grants_read(&grants, &memory, answer.rights);
        grants_free(&memory, grants);
        web_answer_release(&answer);
    }
    return 0;
}
