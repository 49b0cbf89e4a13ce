/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/failing.h"

struct failing *failing(void)
{
    static struct failing only;

    return &only;
}

bool failing_next(void)
{
    return ++failing()->taken == failing()->fail_at;
}
