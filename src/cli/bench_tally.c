/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_tally.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct bench_cell) <= 32, "the header says 32 bytes");

enum { WORD_BITS = 64, MAP_BITS_MIN = 1024 };

int bench_tally_init(struct bench_tally *tally, uint32_t receivers, uint32_t channels, bool shared)
{
    *tally = (struct bench_tally){
        .rows = calloc((size_t)receivers + shared, sizeof(*tally->rows)),
        .channels = calloc(channels, sizeof(*tally->channels)),
        .receiver_count = receivers,
        .channel_count = channels,
        .shared = shared,
    };
    if (tally->rows && tally->channels)
        return 0;
    bench_tally_deinit(tally);
    return -ENOMEM;
}

void bench_tally_deinit(struct bench_tally *tally)
{
    uint32_t rows = tally->rows ? tally->receiver_count + tally->shared : 0;

    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t j = 0; tally->rows[i].cells && j < tally->rows[i].count; j++)
            free(tally->rows[i].cells[j].seen.map);
        free(tally->rows[i].cells);
    }
    free(tally->rows);
    free(tally->channels);
}

/* Makes the cells from the first to the last channel that is wanted. */
static int fill_row(struct bench_row *row, const bool wanted[], uint32_t channels)
{
    uint32_t first = 0;
    uint32_t end = channels;

    while (first < channels && !wanted[first])
        first++;
    while (end > first && !wanted[end - 1])
        end--;
    *row = (struct bench_row){ .first = first, .count = end - first };
    if (row->count == 0)
        return 0;
    row->cells = calloc(row->count, sizeof(*row->cells));
    if (!row->cells)
        return -ENOMEM;
    for (uint32_t i = 0; i < row->count; i++)
        row->cells[i].wanted = wanted[first + i];
    return 0;
}

int bench_tally_want(struct bench_tally *tally, uint32_t receiver, const bool wanted[])
{
    struct bench_row *group = &tally->rows[tally->receiver_count];
    bool is_target = !tally->shared || !group->cells;
    int result = fill_row(&tally->rows[receiver], wanted, tally->channel_count);

    if (result == 0 && tally->shared && is_target)
        result = fill_row(group, wanted, tally->channel_count);
    for (uint32_t i = 0; result == 0 && is_target && i < tally->channel_count; i++)
        tally->channels[i].targets += wanted[i];
    return result;
}

uint32_t bench_tally_send(struct bench_tally *tally, uint32_t channel)
{
    tally->sent++;
    tally->expected += tally->channels[channel].targets;
    return tally->channels[channel].sent++;
}

static void map_set(struct bench_sequence *sequence, uint32_t number)
{
    sequence->map[number / WORD_BITS] |= (uint64_t)1 << number % WORD_BITS;
}

static bool map_has(const struct bench_sequence *sequence, uint32_t number)
{
    return sequence->map[number / WORD_BITS] >> number % WORD_BITS & 1;
}

/* Makes the map hold `number`. Returns false when memory is short; nothing changed then. */
static bool map_grow(struct bench_sequence *sequence, uint32_t number)
{
    uint64_t bits = sequence->map_bits ? sequence->map_bits : MAP_BITS_MIN;
    bool is_new = !sequence->map;
    uint64_t *map;

    while (bits <= number)
        bits *= 2;
    if (!is_new && bits == sequence->map_bits)
        return true;
    map = realloc(sequence->map, bits / 8);
    if (!map)
        return false;
    sequence->map = map;
    memset((uint8_t *)map + sequence->map_bits / 8, 0, (bits - sequence->map_bits) / 8);
    sequence->map_bits = (uint32_t)bits;
    for (uint32_t i = 0; is_new && i < sequence->next; i++)
        map_set(sequence, i);
    return true;
}

enum seen { SEEN_FIRST, SEEN_AGAIN, SEEN_UNKNOWN };

static enum seen sequence_add(struct bench_sequence *sequence, uint32_t number)
{
    if (!sequence->map && number == sequence->next) {
        sequence->next++;
        return SEEN_FIRST;
    }
    if (!sequence->map && number < sequence->next)
        return SEEN_AGAIN;
    if (!map_grow(sequence, number))
        return SEEN_UNKNOWN;
    if (map_has(sequence, number))
        return SEEN_AGAIN;
    map_set(sequence, number);
    return SEEN_FIRST;
}

static struct bench_cell *find_cell(const struct bench_row *row, uint32_t channel)
{
    struct bench_cell *cell;

    if (channel < row->first || channel - row->first >= row->count)
        return NULL;
    cell = &row->cells[channel - row->first];
    return cell->wanted ? cell : NULL;
}

bool bench_tally_receive(
        struct bench_tally *tally, uint32_t receiver, uint32_t channel, uint32_t number)
{
    struct bench_cell *here = find_cell(&tally->rows[receiver], channel);
    struct bench_cell *target = here;
    enum seen seen;

    if (!here || number >= tally->channels[channel].sent) {
        tally->unexpected++;
        return false;
    }
    if (tally->shared)
        target = find_cell(&tally->rows[tally->receiver_count], channel);
    assert(target);
    seen = sequence_add(&target->seen, number);
    if (seen != SEEN_FIRST) {
        *(seen == SEEN_AGAIN ? &tally->duplicated : &tally->unexpected) += 1;
        return false;
    }
    tally->delivered++;
    if (number < here->after)
        tally->out_of_order++;
    else
        here->after = number + 1;
    return true;
}

bool bench_tally_exact(const struct bench_tally *tally)
{
    return bench_tally_lost(tally) == 0 && tally->duplicated == 0 && tally->out_of_order == 0 &&
            tally->unexpected == 0;
}
