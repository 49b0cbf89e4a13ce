/* SPDX-License-Identifier: Apache-2.0 */
/* The sum behind each value of the archive on disk, also over its key and the number of its table:
 * LMDB's pages have none, and a value that lies under another key is broken, too. */
#ifndef STORE_ARCHIVE_SUM_H
#define STORE_ARCHIVE_SUM_H

#include "base/bytes.h"

enum { ARCHIVE_SUM_SIZE = 4 };

/* What a value's place adds to its sum. */
uint64_t archive_sum_seed(unsigned table, struct bytes key);

void archive_sum_encode(uint8_t out[ARCHIVE_SUM_SIZE], struct bytes value, uint64_t seed);

/* Takes the sum off a value. False when it is wrong. */
bool archive_sum_take(unsigned table, struct bytes key, struct bytes *value);

#endif
