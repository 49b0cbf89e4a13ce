/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations of OpenSSL's that fail, counted as those of the C library are. */
#ifndef TESTS_HARNESS_FAILING_OPENSSL_H
#define TESTS_HARNESS_FAILING_OPENSSL_H

#include "tests/harness/failing.h"

/* From now on; only before OpenSSL has allocated anything, later it does nothing. */
void failing_openssl(void);

#endif
