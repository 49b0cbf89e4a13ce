/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of pre-shared keys of any bytes is refused with an error or has identities, each of which
 * is found, with a key of a length that TLS takes.
 */
#include "broker/auth/psk_file.h"
#include "tests/fuzz/input_source.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct source source = input_source(&text);
    struct report report = { 0 };
    struct psk_file *file = NULL;
    int result = psk_file_read(&file, "keys", &source, &report);

    assert((result == 0) == (file != NULL));
    assert((result == -EINVAL) == (report.errors > 0));
    for (size_t i = 0; file && i < file->count; i++) {
        const struct psk *psk = &file->psks[i];

        assert(psk_file_find(file, psk->identity) == psk);
        assert(psk->identity.size > 0 && psk->identity.size <= PSK_IDENTITY_MAX);
        assert(psk->key.size > 0 && psk->key.size <= PSK_KEY_MAX);
    }
    psk_file_unref(file);
    return 0;
}
