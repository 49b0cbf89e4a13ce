/* SPDX-License-Identifier: Apache-2.0 */
/* A URL of any bytes: it is refused with a word, or names what it must. */
#include "client/link_url.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *again = malloc(size + 1);
    struct link_url url;
    const char *wrong;

    assert(text && again);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    memcpy(again, text, size + 1);
    wrong = link_url_parse(&url, text);
    if (wrong)
        assert(wrong[0] != '\0' && !url.host && !url.path && !url.user_name && !url.password);
    else
        assert(url.transport == NJ_TRANSPORT_UNIX ? url.path != NULL : url.host[0] != '\0');
    wrong = link_url_parse_proxy(&url, again);
    assert(wrong ? wrong[0] != '\0' && !url.host : url.host && url.port > 0);
    free(text);
    free(again);
    return 0;
}
