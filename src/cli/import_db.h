/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mosquitto's persistence file, mosquitto.db, in its versions 3 to 6: of Mosquitto 1.0 to 2.1.
 *
 * The file is a head, then chunks. Lengths and packet ids are big-endian; ids of messages and times
 * are as the machine had them that wrote it, which is taken to be little-endian.
 */
#ifndef CLI_IMPORT_DB_H
#define CLI_IMPORT_DB_H

#include "cli/import_data.h"

/* True when the file begins as such a one does, whatever version it has. */
bool import_db_is_one(struct bytes file);

/*
 * Reads the whole file; what is in *out borrows from it. False: it is broken, or has a version that
 * is not known, or memory is short (what == NULL); then *out may be filled in part.
 */
bool import_db_read(struct import_data *out, struct bytes file, struct import_fault *fault);

#endif
