/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_sqlite.h"

#include "tests/harness/test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The tables of the plugin persist-sqlite, schema 1.1. */
static const char schema[] =
        "CREATE TABLE base_msgs (store_id INT64 PRIMARY KEY, expiry_time INT64,"
        " topic STRING NOT NULL, payload BLOB, source_id STRING, source_username STRING,"
        " payloadlen INTEGER, source_mid INTEGER, source_port INTEGER, qos INTEGER,"
        " retain INTEGER, properties STRING);"
        "CREATE TABLE retains (topic STRING PRIMARY KEY, store_id INT64);"
        "CREATE TABLE clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64,"
        " will_delay_time INT64, session_expiry_time INT64, listener_port INT,"
        " max_packet_size INT, max_qos INT, retain_available INT, session_expiry_interval INT,"
        " will_delay_interval INT);"
        "CREATE TABLE subscriptions (client_id TEXT NOT NULL, topic TEXT NOT NULL,"
        " subscription_options INTEGER, subscription_identifier INTEGER,"
        " PRIMARY KEY (client_id, topic));"
        "CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64,"
        " dup INTEGER, direction INTEGER, mid INTEGER, qos INTEGER, retain INTEGER,"
        " state INTEGER, subscription_identifier INTEGER);"
        "CREATE TABLE wills (client_id TEXT PRIMARY KEY, payload BLOB, topic STRING NOT NULL,"
        " payloadlen INTEGER, qos INTEGER, retain INTEGER, properties STRING);"
        "CREATE TABLE version_info (component TEXT NOT NULL, major INTEGER NOT NULL,"
        " minor INTEGER NOT NULL, patch INTEGER NOT NULL);"
        "INSERT INTO version_info VALUES ('database_schema', 1, 1, 0);";

/* A topic of digits alone becomes a number in a column of that type. */
static const char rows[] =
        "INSERT INTO base_msgs VALUES (-5, 4000000000, 'a/b', x'00ff', 'cam', 'ada', 2, 1, 1883,"
        " 2, 1, '[{\"identifier\":\"content-type\",\"value\":\"t\"}]');"
        "INSERT INTO base_msgs VALUES (6, 0, '1883', NULL, NULL, NULL, 0, 1, 1883, 1, 0, NULL);"
        "INSERT INTO retains VALUES ('a/b', -5);"
        "INSERT INTO clients VALUES ('sub', 'ada', 1, 0, 4100000000, 1883, 0, 2, 1, 3600, 0);"
        "INSERT INTO clients VALUES ('old', NULL, 1, 0, 0, 1883, 0, 2, 1, 4294967295, 0);"
        "INSERT INTO subscriptions VALUES ('sub', '$share/g/a/#', 42, 9);"
        "INSERT INTO client_msgs VALUES ('sub', 1, -5, 1, 1, 44, 2, 1, 5, 9);"
        "INSERT INTO client_msgs VALUES ('sub', 2, 6, 0, 1, 0, 1, 0, 11, 0);"
        "INSERT INTO wills VALUES ('sub', x'01', 'w', 1, 0, 0, NULL);";

struct place {
    char path[32];
    struct import_data data;
    struct import_fault fault;
};

static void make(struct place *place, const char *more)
{
    sqlite3 *database;
    int file;

    *place = (struct place){ .path = "/tmp/nj-import-XXXXXX" };
    file = mkstemp(place->path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(sqlite3_open(place->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, schema, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, rows, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, more, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void drop(struct place *place)
{
    import_data_deinit(&place->data);
    unlink(place->path);
}

static void assert_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

TEST(a_database_is_read_whole)
{
    struct place place;
    const struct import_message *messages;
    const struct import_session *sessions;
    const struct import_place *places;
    const struct import_subscription *subscription;

    make(&place, "");
    assert_true(import_sqlite_read(&place.data, place.path, &place.fault));
    messages = place.data.messages.items;
    assert_int_equal(place.data.messages.count, 2);
    assert_true(messages[0].id == (uint64_t)-5 && messages[0].expires_s == 4000000000);
    assert_true(messages[0].qos == 2 && messages[0].retain);
    assert_text(messages[0].topic, "a/b");
    assert_text(messages[0].source, "cam");
    assert_int_equal(messages[0].payload.size, 2);
    assert_int_equal(messages[0].properties.size, 4);
    assert_text(messages[1].topic, "1883");
    assert_int_equal(messages[1].payload.size, 0);
    sessions = place.data.sessions.items;
    assert_int_equal(place.data.sessions.count, 2);
    assert_text(sessions[0].client_id, "sub");
    assert_true(sessions[0].expiry_interval_s == 3600 && sessions[0].expires_s == 4100000000);
    assert_true(sessions[1].expiry_interval_s == UINT32_MAX);
    places = place.data.places.items;
    assert_int_equal(place.data.places.count, 2);
    assert_true(places[0].message == (uint64_t)-5 && places[0].packet_id == 44);
    assert_true(places[0].state == IMPORT_WAIT_PUBREC && places[0].retain && !places[0].incoming);
    assert_int_equal(places[0].identifier, 9);
    assert_int_equal(places[1].state, IMPORT_QUEUED);
    subscription = place.data.subscriptions.items;
    assert_text(subscription->filter, "$share/g/a/#");
    assert_int_equal(subscription->options, 42);
    assert_int_equal(place.data.retained.count, 1);
    assert_int_equal(place.data.wills, 1);
    drop(&place);
}

TEST(what_is_wrong_is_told_with_table_and_row)
{
    static const struct row {
        const char *more;
        const char *what;
        uint64_t row;
    } table[] = {
        { "DROP TABLE retains", "table retains: no such table: retains", 0 },
        { "UPDATE version_info SET major = 2", "table version_info: its schema is not of version 1",
                1 },
        { "UPDATE client_msgs SET state = 12 WHERE cmsg_id = 2",
                "table client_msgs: a number that is too large or negative", 2 },
        { "UPDATE base_msgs SET properties = 'x'",
                "table base_msgs: properties that no message can have", 1 },
        { "UPDATE subscriptions SET subscription_options = 3",
                "table subscriptions: options that are not known", 1 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct place place;

        make(&place, table[i].more);
        assert_false(import_sqlite_read(&place.data, place.path, &place.fault));
        assert_string_equal(place.fault.what, table[i].what);
        if (table[i].row > 0)
            assert_int_equal(place.fault.offset, table[i].row);
        drop(&place);
    }
}

/* Schema 1.0 has no table of wills. */
TEST(wills_may_be_missing)
{
    struct place place;

    make(&place, "DROP TABLE wills");
    assert_true(import_sqlite_read(&place.data, place.path, &place.fault));
    assert_int_equal(place.data.wills, 0);
    drop(&place);
}

TEST(another_file_is_refused)
{
    struct place place;

    make(&place, "");
    assert_int_equal(truncate(place.path, 100), 0);
    assert_false(import_sqlite_read(&place.data, place.path, &place.fault));
    assert_non_null(place.fault.what);
    assert_false(import_sqlite_read(&place.data, "/nonexistent", &place.fault));
    assert_non_null(place.fault.what);
    drop(&place);
}
