/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

enum {
    NAME_MAX_COMPARED = 40,
    DISTANCE_MAX = 2, /* edits after which one name is no longer a slip for the other */
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters to insert, delete, change or swap to make one name of the other. */
static unsigned distance(struct bytes a, struct bytes b)
{
    unsigned rows[3][NAME_MAX_COMPARED + 1]; /* of this letter of a, and of the two before it */

    if (a.size > NAME_MAX_COMPARED || b.size > NAME_MAX_COMPARED)
        return UINT32_MAX;
    for (unsigned j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];

        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned change = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);

            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], rows[(i + 1) % 3][j - 2] + 1);
        }
    }
    return rows[a.size % 3][b.size];
}

struct nearest nearest_to(struct bytes written)
{
    /* In a short name two edits make another word. */
    return (struct nearest){ written, least(DISTANCE_MAX, (unsigned)written.size / 3) + 1, NULL };
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    unsigned edits = name ? distance(nearest->written, bytes_of_text(name)) : UINT32_MAX;

    if (edits >= nearest->edits)
        return;
    nearest->edits = edits;
    nearest->name = name;
}
