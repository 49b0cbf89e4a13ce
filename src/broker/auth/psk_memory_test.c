/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/fixture.h"
#include "broker/auth/psk_file.h"
#include "tests/harness/failing.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

TEST(each_allocation_may_fail)
{
    static struct fixture fixture;
    int result = -ENOMEM;
    unsigned failures = 0;

    while (result < 0) {
        struct psk_file *file = NULL;

        fixture_start(&fixture);
        fixture_add(&fixture, "keys", "a:00\nb:11\nc:22\nd:33\ne:44\n");
        *failing() = (struct failing){ .fail_at = failures + 1 };
        result = psk_file_read(&file, "keys", &fixture.source, &fixture.report);
        *failing() = (struct failing){ 0 };
        if (result < 0) {
            assert_int_equal(result, -ENOMEM);
            assert_null(file);
            failures++;
        }
        psk_file_unref(file);
    }
    assert_int_equal(failures, 6); /* the file, its path, and four times room for keys */
}
