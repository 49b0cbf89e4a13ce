/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include <stdlib.h>

bool link_trace_init(struct nj_link *link)
{
    if (!link->options.callbacks.packet)
        return true;
    link->trace_in.data = malloc(2 * NJ_TRACED_MAX);
    if (!link->trace_in.data)
        return false;
    link->trace_out.data = link->trace_in.data + NJ_TRACED_MAX;
    return true;
}

void link_trace_deinit(struct nj_link *link)
{
    free(link->trace_in.data); /* and what is behind it */
}

void link_trace_reset(struct nj_link *link)
{
    link->trace_in.used = link->trace_in.size = 0;
    link->trace_out.used = link->trace_out.size = 0;
    link->traced = 0;
}

/* The size of the whole packet; 0: its header is not whole. A bad header is the engine's to find,
 * and is shown as it is. */
static size_t packet_size(const struct link_trace *trace)
{
    size_t remaining = 0;

    for (size_t i = 1; i < trace->used; i++) {
        remaining |= (size_t)(trace->data[i] & 0x7f) << (7 * (i - 1));
        if (!(trace->data[i] & 0x80) || i == 4)
            return 1 + i + remaining;
    }
    return 0;
}

static void keep(struct link_trace *trace, const uint8_t *data, size_t size)
{
    if (trace->used < NJ_TRACED_MAX) {
        size_t room = NJ_TRACED_MAX - trace->used;

        memcpy(trace->data + trace->used, data, size < room ? size : room);
    }
    trace->used += size;
}

static void show(struct nj_link *link, struct link_trace *trace, bool written)
{
    size_t kept = trace->used < NJ_TRACED_MAX ? trace->used : NJ_TRACED_MAX;
    size_t size = trace->size;

    trace->used = trace->size = 0;
    link_call(link);
    link->options.callbacks.packet(
            link, link->options.context, written, nj_bytes_of(trace->data, kept), size);
    link_called(link);
}

/* Takes bytes up to the end of a packet, which is shown then. Returns how many. */
static size_t take(struct nj_link *link, struct link_trace *trace, bool written,
        const uint8_t *data, size_t size)
{
    size_t taken = 0;

    while (taken < size && (trace->size == 0 || trace->used < trace->size)) {
        size_t left = trace->size == 0 ? 1 : trace->size - trace->used;
        size_t more = size - taken < left ? size - taken : left;

        keep(trace, data + taken, more);
        taken += more;
        if (trace->size == 0)
            trace->size = packet_size(trace);
    }
    if (trace->size > 0 && trace->used == trace->size)
        show(link, trace, written);
    return taken;
}

void link_trace_output(struct nj_link *link)
{
    if (!link->trace_out.data)
        return;
    for (;;) { /* a callback may add to the output, which moves it */
        struct nj_bytes output = nj_engine_output(&link->engine);

        if (link->traced == output.size)
            return;
        link->traced += take(link, &link->trace_out, true,
                (const uint8_t *)output.data + link->traced, output.size - link->traced);
    }
}

void link_trace_sent(struct nj_link *link, size_t size)
{
    link->traced -= link->trace_out.data ? size : 0;
}

size_t link_trace_input(struct nj_link *link, struct nj_bytes bytes)
{
    return take(link, &link->trace_in, false, bytes.data, bytes.size);
}
