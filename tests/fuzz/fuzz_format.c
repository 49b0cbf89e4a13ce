/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of `nightjar sub -F`. The first byte says how many bytes of the rest are the format;
 * behind them come the properties' size, the properties and the payload. A format that is checked
 * is printed whole, and one that is not is never printed.
 */
#include "cli/client_format.h"

#include "mqtt/packet.h"
#include "mqtt/properties.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Properties as a link gives them: a section that was decoded. */
static struct nj_bytes properties_of(struct bytes section)
{
    struct mqtt_properties properties = { 0 };

    if (mqtt_properties_section_read(&properties, section, MQTT_PUBLISH) != MQTT_SUCCESS)
        return nj_bytes_of(NULL, 0);
    return nj_bytes_of(section.data, section.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = { .rest = bytes_of(data, size) };
    struct bytes format = reader_bytes(&in, reader_u8(&in));
    struct bytes section = reader_bytes(&in, reader_u8(&in));
    struct client_message message = {
        .message = { .topic = nj_text("a/b"), .payload = nj_bytes_of(in.rest.data, in.rest.size) }
    };
    char *text;
    char *printed = NULL;
    size_t printed_size = 0;
    FILE *out;
    char letter;

    if (in.failed)
        return 0;
    message.message.properties = properties_of(section);
    text = calloc(1, format.size + 1);
    assert(text);
    if (format.size > 0)
        memcpy(text, format.data, format.size);
    if (client_format_check(text, &letter) == CLIENT_FORMAT_GOOD) {
        out = open_memstream(&printed, &printed_size);
        assert(out);
        client_format_print(out, text, &message, size % 2 == 0);
        assert(!ferror(out));
        fclose(out);
        free(printed);
    }
    free(text);
    return 0;
}
