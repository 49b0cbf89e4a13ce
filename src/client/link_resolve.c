/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_resolve.h"

#include "client/link_thread.h"
#include "loop/wake.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Held by the asker and by the thread; whoever lets go last frees it. */
struct link_resolve {
    atomic_uint holders;
    atomic_int result; /* written last, with release, so that the addresses come with it */
    struct wake wake;
    uint16_t port;
    struct address addresses[LINK_ADDRESSES_MAX];
    char host[];
};

static void let_go(struct link_resolve *resolve)
{
    /* Acquire and release: what the other one did with it happened before it is freed. */
    if (atomic_fetch_sub_explicit(&resolve->holders, 1, memory_order_acq_rel) > 1)
        return;
    wake_close(&resolve->wake);
    free(resolve);
}

static void *run(void *context)
{
    struct link_resolve *resolve = context;
    int result = address_look_up(
            resolve->addresses, LINK_ADDRESSES_MAX, resolve->host, resolve->port, ADDRESS_ANY);

    atomic_store_explicit(&resolve->result, result, memory_order_release);
    wake_send(&resolve->wake);
    let_go(resolve);
    return NULL;
}

int link_resolve_start(struct link_resolve **out, const char *host, uint16_t port)
{
    size_t size = strlen(host) + 1;
    struct link_resolve *resolve = calloc(1, sizeof(*resolve) + size);
    pthread_t thread;
    int result;

    if (!resolve)
        return -ENOMEM;
    resolve->port = port;
    atomic_init(&resolve->holders, 2);
    memcpy(resolve->host, host, size);
    result = wake_open(&resolve->wake);
    if (result >= 0) {
        result = link_thread_start(&thread, run, resolve);
        if (result < 0)
            wake_close(&resolve->wake);
    }
    if (result < 0) {
        free(resolve);
        return result;
    }
    pthread_detach(thread);
    *out = resolve;
    return 0;
}

int link_resolve_fd(const struct link_resolve *resolve)
{
    return wake_fd(&resolve->wake);
}

int link_resolve_answer(
        const struct link_resolve *resolve, struct address out[static LINK_ADDRESSES_MAX])
{
    /* Acquire: with the result come the addresses that were written before it. */
    int result = atomic_load_explicit(&resolve->result, memory_order_acquire);

    for (int i = 0; i < result; i++)
        out[i] = resolve->addresses[i];
    return result;
}

void link_resolve_stop(struct link_resolve *resolve)
{
    if (resolve)
        let_go(resolve);
}
