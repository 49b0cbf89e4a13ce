/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/ledger.h"

enum { DROPPED_SIZE = DROP_REASONS * sizeof(uint64_t) };

void ledger_drop(struct ledger *ledger, const struct memory *memory, enum drop_reason reason)
{
    if (!ledger->dropped)
        ledger->dropped = memory_take_zeroed(memory, DROPPED_SIZE);
    if (ledger->dropped)
        ledger->dropped[reason]++;
    else
        ledger->unsorted++;
}

void ledger_release(struct ledger *ledger, const struct memory *memory)
{
    memory_give(memory, ledger->dropped, DROPPED_SIZE);
    ledger->dropped = NULL;
}
