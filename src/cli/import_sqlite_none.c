/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_sqlite.h"

bool import_sqlite_read(struct import_data *out, const char *path, struct import_fault *fault)
{
    (void)out;
    (void)path;
    *fault = (struct import_fault){
        "a database of SQLite, which this nightjar was built without; build it with libsqlite3", 0
    };
    return false;
}
