/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a configuration file as lines and words. Everything is a view of the file's bytes.
 */
#ifndef BROKER_CONFIG_LINE_H
#define BROKER_CONFIG_LINE_H

#include "base/bytes.h"

/*
 * Takes the next line off *rest, without its LF and the CRs before that; the last line may end
 * without them. False when there is none left.
 */
bool line_take(struct bytes *rest, struct bytes *line);

/* Takes the next word off *rest: what stands between blanks (spaces and tabs). Empty at the end. */
struct bytes line_word(struct bytes *rest);

/* The text without the blanks at both ends. */
struct bytes line_trim(struct bytes text);

#endif
