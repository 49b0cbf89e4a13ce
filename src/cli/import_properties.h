/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message's properties as Mosquitto's plugin persist-sqlite writes them: an array in JSON of
 * objects with "identifier", "value" and, for a user property, "name".
 */
#ifndef CLI_IMPORT_PROPERTIES_H
#define CLI_IMPORT_PROPERTIES_H

#include "base/writer.h"

/*
 * Writes those that a server forwards as MQTT 5.0 has them. The room need not be larger than the
 * text. False: it is no such array, or a property in it is none.
 */
bool import_properties_write(struct writer *out, struct bytes text);

#endif
