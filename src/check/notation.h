/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as cases and tests write them down, in the notation of docs/spec.
 *
 *   3C 0d00     hex pairs, blanks wherever they help
 *   'abc'       these characters; '~' among them is the name of the run
 *   S'abc'      a string: two bytes of length, then the characters
 *   {100}       that many characters 'x'; S{100} the same as a string
 *   (26 ...)    a property section: its length, then what stands inside
 *   RL          once: how many bytes follow, as a remaining length
 *   id, id1..9  a packet id that has been read before (below)
 *   |           the end of a packet; the next one follows
 *
 * In what is expected, moreover:
 *
 *   ..          any byte
 *   <00 10>     one of these bytes
 *   (a, b)      a property section with these properties in any order
 *   [P]         any property section
 *   id          any packet id but 0, which is kept under that name
 *   id1 .. id9  the same the first time; from then on only that one
 *   *           anything, up to the end of the packet or the property section
 */
#ifndef CHECK_NOTATION_H
#define CHECK_NOTATION_H

#include "base/bytes.h"
#include "base/reader.h"
#include "base/writer.h"

enum { NOTATION_IDS = 10 };

/* What the texts of one run share. */
struct notation_scope {
    const char *name;           /* for '~'; NULL: it stands for itself */
    uint16_t ids[NOTATION_IDS]; /* 0: not read yet; the first is "id" */
};

/**
 * Writes one packet. The text is read up to its end or a '|', and *text moves behind that.
 *
 * Returns NULL, or where the text is not in the notation; out->failed when it does not fit.
 */
const char *notation_write(
        struct writer *out, const char **text, const struct notation_scope *scope);

enum notation_match {
    NOTATION_FITS,
    NOTATION_DIFFERS,
    NOTATION_WRONG, /* the text itself is wrong */
};

/**
 * Holds a packet against the text of one, which is read and moved on as above. Packet ids that are
 * read are kept in *scope, only where the whole packet fits.
 */
enum notation_match notation_fits(
        struct bytes packet, const char **text, struct notation_scope *scope);

/* The text of the next packet: behind the '|' that ends this one's, or the end of the text. */
const char *notation_next(const char *text);

/* Takes a variable byte integer off the front. */
uint32_t notation_length(struct reader *in);

#endif
