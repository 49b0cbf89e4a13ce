/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sn_state.h"

struct bytes sn_known_name(const struct nj_sn *sn, uint16_t place)
{
    const struct nj_sn_setup *setup = &sn->setup;

    return bytes_of(setup->names + (size_t)place * setup->name_size, setup->known[place].size);
}

uint16_t sn_known_find(const struct nj_sn *sn, struct bytes name)
{
    for (uint16_t i = 0; i < sn->setup.known_count; i++)
        if (bytes_equal(sn_known_name(sn, i), name))
            return i;
    return SN_NO_NAME;
}

uint16_t sn_known_find_id(const struct nj_sn *sn, uint16_t id)
{
    for (uint16_t i = 0; i < sn->setup.known_count; i++)
        if (sn->setup.known[i].id == id)
            return i;
    return SN_NO_NAME;
}

/* A free place, or the one that was not used for longest; what is under way keeps its own. */
static uint16_t find_place(const struct nj_sn *sn)
{
    const struct nj_sn_known *known = sn->setup.known;
    uint16_t oldest = SN_NO_NAME;

    for (uint16_t i = 0; i < sn->setup.known_count; i++) {
        if (known[i].size == 0)
            return i;
        /* By how long ago it was, as the count may begin again. */
        if (i != sn->name &&
                (oldest == SN_NO_NAME || sn->uses - known[i].used > sn->uses - known[oldest].used))
            oldest = i;
    }
    return oldest;
}

uint16_t sn_known_add(struct nj_sn *sn, struct bytes name)
{
    const struct nj_sn_setup *setup = &sn->setup;
    uint16_t place = sn_known_find(sn, name);

    if (place == SN_NO_NAME) {
        if (name.size > setup->name_size)
            return SN_NO_NAME;
        place = find_place(sn);
        if (place == SN_NO_NAME)
            return SN_NO_NAME;
        setup->known[place] = (struct nj_sn_known){ .size = (uint16_t)name.size };
        memcpy(setup->names + (size_t)place * setup->name_size, name.data, name.size);
    }
    setup->known[place].used = ++sn->uses;
    return place;
}

void sn_known_set_id(struct nj_sn *sn, uint16_t place, uint16_t id)
{
    uint16_t before = sn_known_find_id(sn, id);

    if (before != SN_NO_NAME)
        sn->setup.known[before].id = 0;
    sn->setup.known[place].id = id;
}

void sn_known_forget_ids(struct nj_sn *sn)
{
    for (uint16_t i = 0; i < sn->setup.known_count; i++)
        sn->setup.known[i].id = 0;
}
