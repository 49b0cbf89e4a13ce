/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of Mosquitto 2.1's plugin persist-sqlite, schema 1. Without SQLite in the build
 * there is import_sqlite_none.c in its place.
 */
#ifndef CLI_IMPORT_SQLITE_H
#define CLI_IMPORT_SQLITE_H

#include "cli/import_data.h"

/* True when the file begins as such a one does. */
static inline bool import_sqlite_is_one(struct bytes file)
{
    static const char head[] = "SQLite format 3"; /* and a zero */

    return file.size >= sizeof(head) && memcmp(file.data, head, sizeof(head)) == 0;
}

/*
 * Reads the database at that path, whole, as it is after the last transaction. False: it cannot be
 * read, or is not Mosquitto's, or memory is short (what == NULL), or this build cannot. What is
 * wrong is good as long as *out is.
 */
bool import_sqlite_read(struct import_data *out, const char *path, struct import_fault *fault);

#endif
