/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture as `nightjar decode --pcap` reads it, down to the packets in it. Whatever is broken, it
 * comes to an end, and each frame is told once at most.
 */
#include "cli/decode_capture.h"
#include "cli/decode_sn.h"
#include "cli/decode_stream.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVER_PORT = 1883 };

static void heading(FILE *out, const void *context)
{
    (void)context;
    fputs("> ", out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct streams *streams = (struct streams *)calloc(1, sizeof(*streams));
    char *text = NULL;
    size_t text_size = 0;
    FILE *out = open_memstream(&text, &text_size);
    struct capture capture;
    struct capture_frame frame;
    size_t frames = 0;

    assert(streams);
    assert(out);
    for (bool more = capture_open(&capture, bytes_of(data, size));
            more && capture_next(&capture, &frame); frames++) {
        struct capture_packet packet;
        enum mqtt_sender sender;

        if (!capture_unpack(&frame, &packet))
            continue;
        sender = packet.to_port == SERVER_PORT ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;
        if (packet.tcp)
            streams_take(streams, out, &packet, sender, heading, NULL);
        else
            decode_sn(out, packet.payload, sender);
    }
    assert(frames <= size);
    streams_end(streams, out);
    streams_deinit(streams);
    free(streams);
    fclose(out);
    free(text);
    return 0;
}
