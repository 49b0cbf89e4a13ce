/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dump.h"

void dump_start(struct dump *dump, int64_t now_ms)
{
    *dump = (struct dump){ .runs = true, .due_ms = now_ms };
}

int64_t dump_due_ms(const struct dump *dump)
{
    return dump->runs ? dump->due_ms : INT64_MAX;
}

static struct bytes text_of(const json_t *row, const char *name)
{
    const json_t *text = json_object_get(row, name);

    return bytes_of(json_string_value(text), json_string_length(text));
}

static void tell(const struct journal *journal, const json_t *row)
{
    journal_tell(journal, EVENT_INFO, "subscription.listed", field_bytes("id", text_of(row, "id")),
            field_bytes("user", text_of(row, "user")),
            field_bytes("filter", text_of(row, "filter")),
            field_number("qos", json_integer_value(json_object_get(row, "qos"))),
            field_number("connected", json_is_true(json_object_get(row, "connected"))));
}

void dump_go_on(
        struct dump *dump, struct shard_group *group, const struct journal *journal, int64_t now_ms)
{
    static const struct census_filter all = { 0 };
    json_t *rows;

    if (!dump->runs || now_ms < dump->due_ms)
        return;
    rows = census_subscriptions(group, &all, DUMP_LINES, &dump->place);
    for (size_t i = 0; i < json_array_size(rows); i++)
        tell(journal, json_array_get(rows, i));
    dump->told += json_array_size(rows);
    dump->due_ms = now_ms + DUMP_EVERY_MS;
    dump->runs = rows && dump->place.shard < group->count;
    json_decref(rows);
    if (!dump->runs)
        journal_tell(journal, EVENT_INFO, "subscriptions.listed",
                field_number("subscriptions", (int64_t)dump->told));
}
