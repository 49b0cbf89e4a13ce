/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_sqlite.h"

#include "cli/import_properties.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { COMPLAINT_MAX = 300, SCHEMA_MAJOR = 1 };

struct query {
    sqlite3 *database;
    sqlite3_stmt *statement;
    struct import_data *out;
    const char *what; /* is wrong with the row; NULL: nothing, or memory is short */
};

/* ---- Columns ---- */

/* False when memory is short. */
static bool read_bytes(struct query *query, int column, struct bytes *out)
{
    const void *data = sqlite3_column_type(query->statement, column) == SQLITE_BLOB
            ? sqlite3_column_blob(query->statement, column)
            : sqlite3_column_text(query->statement, column);
    size_t size = (size_t)sqlite3_column_bytes(query->statement, column);
    uint8_t *copy;

    *out = (struct bytes){ 0 };
    if (!data || size == 0)
        return true;
    copy = import_data_take(query->out, size);
    if (!copy)
        return false;
    memcpy(copy, data, size);
    *out = bytes_of(copy, size);
    return true;
}

/* A column that may hold 0..max. */
static uint64_t read_number(struct query *query, int column, uint64_t max)
{
    int64_t value = sqlite3_column_int64(query->statement, column);

    if (value < 0 || (uint64_t)value > max) {
        query->what = "a number that is too large or negative";
        return 0;
    }
    return (uint64_t)value;
}

static uint64_t read_id(struct query *query, int column)
{
    return (uint64_t)sqlite3_column_int64(query->statement, column);
}

/* As a signed number of 32 bits or as an unsigned one: both are found. */
static uint32_t read_interval(struct query *query, int column)
{
    return (uint32_t)sqlite3_column_int64(query->statement, column);
}

/* ---- Rows: each returns false for one that cannot be taken ---- */

static bool read_version(struct query *query)
{
    if (sqlite3_column_int64(query->statement, 0) == SCHEMA_MAJOR)
        return true;
    query->what = "its schema is not of version 1";
    return false;
}

static bool read_properties(struct query *query, int column, struct bytes *out)
{
    struct bytes text;
    struct writer writer = { 0 };

    *out = (struct bytes){ 0 };
    if (!read_bytes(query, column, &text))
        return false;
    if (text.size == 0)
        return true;
    writer.size = text.size;
    writer.data = import_data_take(query->out, text.size);
    if (!writer.data)
        return false;
    if (!import_properties_write(&writer, text)) {
        query->what = "properties that no message can have";
        return false;
    }
    *out = writer_written(&writer);
    return true;
}

static bool read_message(struct query *query)
{
    struct import_message message = { .id = read_id(query, 0),
        .expires_s = (int64_t)read_number(query, 1, INT64_MAX),
        .qos = (uint8_t)read_number(query, 4, 2),
        .retain = read_number(query, 5, 1) };
    struct import_message *item;

    if (query->what || !read_bytes(query, 2, &message.topic) ||
            !read_bytes(query, 3, &message.payload) ||
            !read_properties(query, 6, &message.properties) ||
            !read_bytes(query, 7, &message.source))
        return false;
    item = import_list_add(&query->out->messages, sizeof(*item));
    if (item)
        *item = message;
    return item != NULL;
}

static bool read_session(struct query *query)
{
    struct import_session session = { .expires_s = (int64_t)read_number(query, 1, INT64_MAX),
        .expiry_interval_s = read_interval(query, 2) };
    struct import_session *item;

    if (query->what || !read_bytes(query, 0, &session.client_id))
        return false;
    item = import_list_add(&query->out->sessions, sizeof(*item));
    if (item)
        *item = session;
    return item != NULL;
}

static bool read_subscription(struct query *query)
{
    struct import_subscription subscription = { .options = (uint8_t)read_number(query, 2, 0x3f),
        .identifier = (uint32_t)read_number(query, 3, IMPORT_IDENTIFIER_MAX) };
    struct import_subscription *item;

    if ((subscription.options & 3) > 2 || subscription.options >> 4 > 2)
        query->what = "options that are not known";
    if (query->what || !read_bytes(query, 0, &subscription.client_id) ||
            !read_bytes(query, 1, &subscription.filter))
        return false;
    item = import_list_add(&query->out->subscriptions, sizeof(*item));
    if (item)
        *item = subscription;
    return item != NULL;
}

static bool read_place(struct query *query)
{
    struct import_place place = { .message = read_id(query, 1),
        .incoming = read_number(query, 2, 1) == 0,
        .packet_id = (uint16_t)read_number(query, 3, UINT16_MAX),
        .qos = (uint8_t)read_number(query, 4, 2),
        .retain = read_number(query, 5, 1),
        .state = (uint8_t)read_number(query, 6, IMPORT_STATE_MAX),
        .identifier = (uint32_t)read_number(query, 7, IMPORT_IDENTIFIER_MAX) };
    struct import_place *item;

    if (query->what || !read_bytes(query, 0, &place.client_id))
        return false;
    item = import_list_add(&query->out->places, sizeof(*item));
    if (item)
        *item = place;
    return item != NULL;
}

static bool read_retained(struct query *query)
{
    uint64_t *item = import_list_add(&query->out->retained, sizeof(*item));

    if (item)
        *item = read_id(query, 0);
    return item != NULL;
}

static bool count_wills(struct query *query)
{
    query->out->wills = read_number(query, 0, INT64_MAX);
    return true;
}

/* ---- The database ---- */

static const struct table {
    const char *name;
    const char *select;
    bool (*read)(struct query *query);
    bool optional; /* of schema 1.1 */
} tables[] = {
    { "version_info", "SELECT major FROM version_info WHERE component = 'database_schema'",
            read_version, false },
    { "base_msgs",
            "SELECT store_id, expiry_time, topic, payload, qos, retain, properties, source_id"
            " FROM base_msgs",
            read_message, false },
    { "clients", "SELECT client_id, session_expiry_time, session_expiry_interval FROM clients",
            read_session, false },
    { "subscriptions",
            "SELECT client_id, topic, subscription_options, subscription_identifier"
            " FROM subscriptions",
            read_subscription, false },
    { "client_msgs",
            "SELECT client_id, store_id, direction, mid, qos, retain, state,"
            " subscription_identifier FROM client_msgs ORDER BY rowid",
            read_place, false },
    { "retains", "SELECT store_id FROM retains", read_retained, false },
    { "wills", "SELECT count(*) FROM wills", count_wills, true },
};

/* Notes what is wrong, in memory of the lists'. */
static bool refuse(
        struct query *query, const char *table, const char *what, struct import_fault *fault)
{
    char *text = (char *)import_data_take(query->out, COMPLAINT_MAX);

    if (text)
        snprintf(text, COMPLAINT_MAX, "table %s: %s", table, what);
    fault->what = text;
    return false;
}

static bool read_table(struct query *query, const struct table *table, struct import_fault *fault)
{
    int result = sqlite3_prepare_v2(query->database, table->select, -1, &query->statement, NULL);

    if (result != SQLITE_OK)
        return table->optional ||
                refuse(query, table->name, sqlite3_errmsg(query->database), fault);
    fault->offset = 0;
    while ((result = sqlite3_step(query->statement)) == SQLITE_ROW) {
        fault->offset++;
        query->what = NULL;
        if (table->read(query) && !query->what)
            continue;
        if (query->what)
            return refuse(query, table->name, query->what, fault);
        fault->what = NULL;
        return false;
    }
    if (result != SQLITE_DONE)
        return refuse(query, table->name, sqlite3_errmsg(query->database), fault);
    sqlite3_finalize(query->statement);
    query->statement = NULL;
    return true;
}

bool import_sqlite_read(struct import_data *out, const char *path, struct import_fault *fault)
{
    struct query query = { .out = out };
    bool good;

    *fault = (struct import_fault){ 0 };
    good = sqlite3_open_v2(path, &query.database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
            sqlite3_exec(query.database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    if (!good)
        refuse(&query, "of tables", sqlite3_errmsg(query.database), fault);
    for (size_t i = 0; good && i < sizeof(tables) / sizeof(tables[0]); i++)
        good = read_table(&query, &tables[i], fault);
    sqlite3_finalize(query.statement);
    sqlite3_close(query.database);
    return good;
}
