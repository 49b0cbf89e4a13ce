/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/config/fixture.h"
#include "tests/harness/failing.h"
#include "tests/harness/test.h"

TEST(each_allocation_may_fail)
{
    static struct fixture fixture;
    int result = -ENOMEM;
    unsigned failures = 0;

    while (result < 0) {
        fixture_add(&fixture, "d/a.conf", "max_keepalive 5\n");
        fixture_add(&fixture, "d/b.conf", "user ${NAME}\n");
        fixture_set(&fixture, "NAME", "x");
        *failing() = (struct failing){ .fail_at = failures + 1 };
        result = fixture_load(&fixture,
                "listener 1\ninclude_dir d\nuser y\nmax_qos 1\n"
                "allow_anonymous true\n");
        *failing() = (struct failing){ 0 };
        if (result < 0) {
            assert_int_equal(result, -ENOMEM);
            assert_null(fixture.config);
            failures++;
        }
        fixture_end(&fixture);
    }
    assert_true(failures > 10);
}
