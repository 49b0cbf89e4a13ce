/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a link that can be seen alone: URLs, options, and the file for messages. */
#include "client/link_file.h"
#include "client/link_url.h"
#include "nightjar/socks5.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- URLs ---- */

static void expect_text(const char *text, const char *wanted)
{
    if (wanted)
        assert_string_equal(text, wanted);
    else
        assert_null(text);
}

static void expect_url(const char *text, enum nj_transport transport, const char *user,
        const char *password, const char *host, uint16_t port, const char *path)
{
    char copy[64];
    struct link_url url;

    snprintf(copy, sizeof(copy), "%s", text);
    assert_null(link_url_parse(&url, copy));
    assert_int_equal(url.transport, transport);
    expect_text(url.user_name, user);
    expect_text(url.password, password);
    expect_text(url.host, host);
    assert_int_equal(url.port, port);
    expect_text(url.path, path);
}

TEST(a_url_says_where_the_server_is)
{
    expect_url("mqtt://host", NJ_TRANSPORT_TCP, NULL, NULL, "host", 0, NULL);
    expect_url("mqtt://host/", NJ_TRANSPORT_TCP, NULL, NULL, "host", 0, NULL);
    expect_url("mqtts://host:1", NJ_TRANSPORT_TLS, NULL, NULL, "host", 1, NULL);
    expect_url("mqtt://u:p@[::1]:1883", NJ_TRANSPORT_TCP, "u", "p", "::1", 1883, NULL);
    expect_url("mqtt://u@h", NJ_TRANSPORT_TCP, "u", NULL, "h", 0, NULL);
    expect_url(
            "ws://u%40x:%3a%25@h/a/%41?b", NJ_TRANSPORT_WEBSOCKET, "u@x", ":%", "h", 0, "/a/%41?b");
    expect_url("wss://h:65535", NJ_TRANSPORT_WEBSOCKET_TLS, NULL, NULL, "h", 65535, NULL);
    expect_url("unix:///run/a%20b", NJ_TRANSPORT_UNIX, NULL, NULL, NULL, 0, "/run/a b");
}

TEST(what_is_no_url_is_refused)
{
    static const char *const bad[] = { "", "host", "http://host", "mqtt://", "mqtt://:1883",
        "mqtt://h:", "mqtt://h:0", "mqtt://h:65536", "mqtt://h:1x", "mqtt://[::1", "mqtt://[::1]1",
        "mqtt://h/path", "unix://", "mqtt://%", "mqtt://%4", "mqtt://%zz", "mqtt://%00",
        "mqtt://u%@h", "mqtt://u:%1@h" };
    struct link_url url;
    char copy[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(copy, sizeof(copy), "%s", bad[i]);
        assert_non_null(link_url_parse(&url, copy));
        assert_null(url.host);
    }
}

/* ---- Options ---- */

static void expect_objection(const struct nj_link_options *options, const char *part)
{
    struct nj_link *link = nj_link_new(options);
    const struct nj_message message = { .topic = nj_text("a") };

    assert_non_null(link);
    assert_int_equal(nj_link_send(link, &message, 0), NJ_INVALID);
    assert_int_equal(nj_connect(link, 0), NJ_INVALID);
    assert_int_equal(nj_link_start(link), NJ_INVALID);
    assert_int_equal(nj_link_run_once(link, 0), NJ_INVALID);
    assert_non_null(strstr(nj_link_failure(link), part));
    nj_link_free(link);
}

TEST(options_that_are_not_good_are_named)
{
    static uint8_t memory[4];
    struct nj_properties none_fit = nj_properties_in(memory, sizeof(memory));

    nj_add_pair(&none_fit, nj_text("name"), nj_text("value"));
    expect_objection(&(struct nj_link_options){ .url = "nothing" }, "URL");
    expect_objection(&(struct nj_link_options){ .version = 2 }, "version");
    expect_objection(&(struct nj_link_options){ .version = 6 }, "version");
    expect_objection(&(struct nj_link_options){ .version = NJ_MQTT_3_1 }, "client_id");
    expect_objection(&(struct nj_link_options){ .version = NJ_MQTT_3_1_1, .session_expiry_s = 1 },
            "client_id");
    expect_objection(&(struct nj_link_options){ .transport = 9 }, "transport");
    expect_objection(&(struct nj_link_options){ .transport = NJ_TRANSPORT_UNIX }, "path");
    expect_objection(&(struct nj_link_options){ .packet_size_max = 1 }, "packet_size_max");
    expect_objection(
            &(struct nj_link_options){ .url = "mqtt://h", .bind_address = "name" }, "bind_address");
    expect_objection(&(struct nj_link_options){ .proxy.url = "socks5h://p" }, "nj_socks5()");
    expect_objection(&(struct nj_link_options){ .proxy = nj_socks5("http://p") }, "socks5h://");
    expect_objection(&(struct nj_link_options){ .proxy = nj_socks5("socks5h://p/x") }, "path");
    expect_objection(
            &(struct nj_link_options){ .url = "unix:///s", .proxy = nj_socks5("socks5h://p") },
            "Unix");
    expect_objection(&(struct nj_link_options){ .tls.psk = "00" }, "psk_identity");
    expect_objection(&(struct nj_link_options){ .tls.key_file = "k" }, "certificate_file");
    expect_objection(&(struct nj_link_options){ .properties = nj_properties_bytes(&none_fit) },
            "properties");
    expect_objection(&(struct nj_link_options){ .properties = nj_text("\x01\x01") }, "properties");
    expect_objection(&(struct nj_link_options){ .properties = nj_text("\x11") }, "properties");
    expect_objection(&(struct nj_link_options){ .version = NJ_MQTT_3_1_1,
                             .properties = nj_text("\x11\0\0\0\1") },
            "properties");
}

TEST(no_url_of_a_proxy_is_no_proxy)
{
    const struct nj_link_options options = {
        .url = "unix:///nowhere", .once = true, .proxy = nj_socks5(NULL)
    };
    struct nj_link *link = nj_link_new(&options);

    assert_int_equal(nj_connect(link, 1000), NJ_NETWORK);
    nj_link_free(link);
}

TEST(every_function_takes_a_link_that_there_was_no_memory_for)
{
    const struct nj_message message = { .topic = nj_text("a") };
    struct nj_message taken;

    assert_int_equal(nj_link_send(NULL, &message, 0), NJ_NO_MEMORY);
    assert_int_equal(nj_publish(NULL, "a", "b", 0, 0), NJ_NO_MEMORY);
    assert_int_equal(nj_receive(NULL, &taken, 0), NJ_NO_MEMORY);
    assert_int_equal(nj_link_leave(NULL, 0, nj_text(NULL)), NJ_NO_MEMORY);
    assert_int_equal(nj_connect(NULL, 0), NJ_NO_MEMORY);
    assert_int_equal(nj_disconnect(NULL, 0), NJ_NO_MEMORY);
    assert_int_equal(nj_link_start(NULL), NJ_NO_MEMORY);
    assert_int_equal(nj_link_run_once(NULL, 0), NJ_NO_MEMORY);
    assert_int_equal(nj_link_fd(NULL), -1);
    assert_int_equal(nj_link_due_ms(NULL), -1);
    assert_int_equal(nj_link_pending(NULL), 0);
    assert_false(nj_link_connected(NULL));
    assert_true(strlen(nj_link_failure(NULL)) > 0);
    nj_link_stop(NULL);
    nj_link_free(NULL);
}

/* ---- The file ---- */

struct scene {
    char folder[64];
    char path[96];
    struct nj_link_options options;
    struct link_file *file;
    char failure[FAILURE_SIZE];
    char read[512]; /* what the file has said, in words */
};

__attribute__((format(printf, 2, 3))) static void note(struct scene *scene, const char *format, ...)
{
    size_t used = strlen(scene->read);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(scene->read + used, sizeof(scene->read) - used, format, arguments);
    va_end(arguments);
}

static enum nj_error note_client(void *context, struct nj_bytes id)
{
    note(context, "client %.*s; ", (int)id.size, (const char *)id.data);
    return NJ_OK;
}

static enum nj_error note_record(void *context, const struct link_record *record)
{
    const struct nj_message *message = &record->message;

    note(context, "%d tag %d %.*s=%.*s qos %d%s; ", (int)record->number, (int)record->tag,
            (int)message->topic.size, (const char *)message->topic.data, (int)message->payload.size,
            (const char *)message->payload.data, message->qos, message->retain ? " retained" : "");
    return NJ_OK;
}

static enum nj_error note_states(void *context, const struct link_states *states)
{
    note(context, "states");
    for (uint32_t i = 0; i < states->flight_count; i++)
        note(context, " %d:%d.%d", (int)states->flights[i].number, states->flights[i].id,
                states->flights[i].state);
    for (uint32_t i = 0; i < states->held_count; i++)
        note(context, " held %d", states->held[i]);
    for (uint32_t i = 0; i < states->done_count; i++)
        note(context, " done %d", (int)states->done[i]);
    note(context, "; ");
    return NJ_OK;
}

static enum nj_error open_file(struct scene *scene)
{
    const struct link_file_reader reader = { note_client, note_record, note_states, scene };

    scene->read[0] = '\0';
    return link_file_open(&scene->file, &scene->options, &reader, scene->failure);
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .options.file_bytes = 1000 };
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/nightjar-link-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof(scene->path), "%s/messages", scene->folder);
    scene->options.file = scene->path;
    assert_int_equal(open_file(scene), NJ_OK);
}

static void end(struct scene *scene)
{
    link_file_close(scene->file);
    unlink(scene->path);
    rmdir(scene->folder);
}

static void add(struct scene *scene, uint64_t number, const char *payload)
{
    const struct nj_message message = { nj_text("t"), nj_text(payload), .qos = 1, .retain = true };

    assert_int_equal(link_file_add(scene->file, number, number + 100, &message), NJ_OK);
}

static void add_states(struct scene *scene)
{
    const struct link_flight flights[] = { { 1, 7, 2 } };
    const struct link_states states = { flights, (const uint16_t[]){ 9 }, (const uint64_t[]){ 2 },
        1, 1, 1 };

    assert_int_equal(link_file_add_states(scene->file, &states), NJ_OK);
}

static void open_again(struct scene *scene)
{
    link_file_close(scene->file);
    scene->file = NULL;
    assert_int_equal(open_file(scene), NJ_OK);
}

static const char whole[] = "client c; 1 tag 101 t=one qos 1 retained; "
                            "2 tag 102 t=two qos 1 retained; states 1:7.2 held 9 done 2; ";

enum { LAST_SIZE = 64 }; /* of the record of states */

static void fill(struct scene *scene)
{
    assert_int_equal(link_file_add_client(scene->file, nj_text("c")), NJ_OK);
    add(scene, 1, "one");
    add(scene, 2, "two");
    add_states(scene);
}

static off_t size_of(const struct scene *scene)
{
    struct stat stat_;

    assert_int_equal(stat(scene->path, &stat_), 0);
    return stat_.st_size;
}

TEST(a_file_says_again_what_was_written)
{
    struct scene scene;

    begin(&scene);
    assert_string_equal(scene.read, "");
    fill(&scene);
    open_again(&scene);
    assert_string_equal(scene.read, whole);
    add(&scene, 3, "three");
    open_again(&scene);
    assert_non_null(strstr(scene.read, "3 tag 103 t=three"));
    end(&scene);
}

TEST(a_file_that_is_cut_anywhere_says_what_was_whole)
{
    struct scene scene;
    off_t size;

    begin(&scene);
    fill(&scene);
    for (size = size_of(&scene) - 1; size >= 0; size--) {
        assert_int_equal(truncate(scene.path, size), 0);
        open_again(&scene);
        assert_memory_equal(scene.read, whole, strlen(scene.read));
        assert_true(strlen(scene.read) < strlen(whole));
        /* What was cut is cut off: what comes now is read behind what is whole. */
        add(&scene, 5, "five");
        open_again(&scene);
        assert_non_null(strstr(scene.read, "5 tag 105"));
        link_file_close(scene.file);
        unlink(scene.path);
        assert_int_equal(open_file(&scene), NJ_OK);
        fill(&scene);
    }
    end(&scene);
}

static void flip(const struct scene *scene, off_t at)
{
    int fd = open(scene->path, O_RDWR);
    uint8_t byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

TEST(a_file_that_is_changed_anywhere_says_nothing_else)
{
    struct scene scene;
    off_t size;

    begin(&scene);
    fill(&scene);
    size = size_of(&scene);
    for (off_t at = 0; at < size; at++) {
        enum nj_error error;

        link_file_close(scene.file);
        scene.file = NULL;
        flip(&scene, at);
        error = open_file(&scene);
        /* Of what is the last it cannot be told whether it was ever written whole. */
        if (error == NJ_OK)
            assert_true(at >= size - LAST_SIZE);
        else
            assert_int_equal(error, NJ_FILE);
        assert_memory_equal(scene.read, whole, strlen(scene.read));
        assert_true(strlen(scene.read) < strlen(whole));
        link_file_close(scene.file);
        unlink(scene.path);
        assert_int_equal(open_file(&scene), NJ_OK);
        fill(&scene);
    }
    end(&scene);
}

TEST(a_file_that_is_flushed_says_the_same)
{
    struct scene scene;

    begin(&scene);
    scene.options.file_sync = true;
    open_again(&scene);
    fill(&scene);
    assert_int_equal(link_file_begin(scene.file), NJ_OK);
    fill(&scene);
    assert_int_equal(link_file_replace(scene.file), NJ_OK);
    open_again(&scene);
    assert_string_equal(scene.read, whole);
    end(&scene);
}

TEST(a_file_is_one_links_alone)
{
    struct scene scene;
    struct link_file *own;

    begin(&scene);
    own = scene.file;
    assert_int_equal(open_file(&scene), NJ_FILE);
    assert_non_null(strstr(scene.failure, "in use"));
    scene.file = own;
    end(&scene);
}

TEST(a_file_has_a_limit_for_messages_alone)
{
    const struct nj_message message = { nj_text("t"), nj_bytes_of(whole, sizeof(whole)), .qos = 1 };
    struct scene scene;
    unsigned added = 0;

    begin(&scene);
    while (link_file_add(scene.file, 9, 9, &message) == NJ_OK)
        added++;
    assert_in_range(added, 3, 1000 / sizeof(whole));
    assert_non_null(strstr(scene.failure, "file_bytes"));
    add_states(&scene);
    end(&scene);
}

TEST(a_file_is_replaced_whole_or_kept)
{
    struct scene scene;

    begin(&scene);
    fill(&scene);
    assert_int_equal(link_file_begin(scene.file), NJ_OK);
    add(&scene, 7, "seven");
    link_file_keep(scene.file);
    open_again(&scene);
    assert_string_equal(scene.read, whole);
    assert_int_equal(link_file_begin(scene.file), NJ_OK);
    add(&scene, 7, "seven");
    assert_int_equal(link_file_replace(scene.file), NJ_OK);
    open_again(&scene);
    assert_string_equal(scene.read, "7 tag 107 t=seven qos 1 retained; ");
    end(&scene);
}

TEST(a_link_does_not_take_the_file_of_another_client)
{
    struct scene scene;
    struct nj_link *link;

    begin(&scene);
    fill(&scene);
    link_file_close(scene.file);
    scene.file = NULL;
    scene.options.client_id = "other";
    link = nj_link_new(&scene.options);
    assert_int_equal(nj_connect(link, 0), NJ_FILE);
    assert_non_null(strstr(nj_link_failure(link), "another client id, c"));
    nj_link_free(link);
    scene.options.client_id = "c";
    link = nj_link_new(&scene.options);
    assert_int_equal(nj_link_pending(link), 1);
    nj_link_free(link);
    end(&scene);
}
