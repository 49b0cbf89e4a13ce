/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/threads.h"

#include "broker/budget.h"
#include "broker/core/core.h"
#include "broker/core/mail.h"
#include "loop/cpu.h"

#include <inttypes.h>

enum {
    OWN_MEMORY = 512 * 1024, /* of a thread: its buffers and tables, some 350 KiB at the start */
    MAILBOX_MEMORY = MAILBOX_SLOTS_DEFAULT * (sizeof(struct mail) + sizeof(void *)), /* a parcel */
};

unsigned threads_count(const struct config *config)
{
    unsigned wanted = config->threads > 0 ? config->threads : (unsigned)cpu_count();

    return wanted < SHARDS_MAX ? wanted : SHARDS_MAX;
}

int64_t threads_memory(unsigned count)
{
    int64_t mailboxes = (int64_t)count * (count - 1); /* from each thread to each other one */

    return (int64_t)count * OWN_MEMORY + mailboxes * MAILBOX_MEMORY;
}

bool threads_have_memory(const struct config *config, struct report *report)
{
    int64_t limit = budget_of_setting(config->memory_limit_bytes);
    unsigned count = threads_count(config);
    int64_t needed = threads_memory(count);

    if (limit == 0 || limit >= needed)
        return true;
    report_tell(report, REPORT_ERROR, config_origin(config, "memory_limit", -1),
            "memory_limit %" PRId64 " is less than the %" PRId64 " bytes that %u thread%s take%s "
            "before anybody comes; raise it%s",
            limit, needed, count, count > 1 ? "s" : "", count > 1 ? "" : "s",
            count > 1 ? ", or set threads to fewer" : "");
    return false;
}
