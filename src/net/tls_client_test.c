/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_client.h"

#include "tests/harness/certificates.h"
#include "tests/harness/failing.h"
#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

struct scene {
    struct certificates certificates;
    struct tls_client *client;
    char told[FAILURE_SIZE];
};

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .client = NULL };
    certificates_init(&scene->certificates);
}

static void end(struct scene *scene)
{
    tls_client_free(scene->client);
    certificates_deinit(&scene->certificates);
}

/* What is said when it cannot be made. */
static void refuses(struct scene *scene, const struct tls_client_options *options, const char *part)
{
    scene->told[0] = '\0';
    assert_true(tls_client_new(&scene->client, options, scene->told) < 0);
    assert_non_null(strstr(scene->told, part));
}

TEST(what_cannot_be_used_is_named)
{
    struct scene scene;
    const struct certificates *of = &scene.certificates;

    begin(&scene);
    refuses(&scene, &(struct tls_client_options){ .ca_file = "/no/file" },
            "cannot read the authorities' certificates /no/file: No such file");
    refuses(&scene, &(struct tls_client_options){ .ca_file = of->empty_file }, of->empty_file);
    refuses(&scene, &(struct tls_client_options){ .ca_folder = "/no/folder" }, "/no/folder");
    refuses(&scene,
            &(struct tls_client_options){
                    .certificate_file = of->client_file, .key_file = of->server_key_file },
            "key values mismatch");
    refuses(&scene,
            &(struct tls_client_options){
                    .certificate_file = of->empty_file, .key_file = of->server_key_file },
            of->empty_file);
    refuses(&scene,
            &(struct tls_client_options){
                    .certificate_file = of->server_file, .key_file = of->locked_key_file },
            of->locked_key_file);
    refuses(&scene, &(struct tls_client_options){ .ciphers = "NONE-SUCH" }, "NONE-SUCH");
    refuses(&scene, &(struct tls_client_options){ .suites = "NONE-SUCH" }, "NONE-SUCH");
    refuses(&scene, &(struct tls_client_options){ .psk = "0g", .psk_identity = "x" },
            "hexadecimal");
    refuses(&scene, &(struct tls_client_options){ .psk = "", .psk_identity = "x" }, "hexadecimal");
    scene.client = NULL;
    end(&scene);
}

/* The first bytes that such a client sends. */
static int open_stream(struct scene *scene, struct scripted *below, struct stream **out)
{
    scripted_init(below, (struct bytes){ 0 });
    return tls_client_open(out, &below->stream, scene->client);
}

TEST(a_stream_begins_with_a_hello_that_names_the_server)
{
    struct scene scene;
    struct scripted below;
    struct stream *stream;
    struct iovec piece = stream_piece(BYTES("hello"));
    struct bytes hello;
    bool named = false;

    begin(&scene);
    assert_int_equal(
            tls_client_new(&scene.client,
                    &(struct tls_client_options){ .server_name = "server.example" }, scene.told),
            0);
    assert_int_equal(open_stream(&scene, &below, &stream), 0);
    assert_int_equal(stream_write(stream, &piece, 1), -EAGAIN);
    hello = scripted_take_output(&below);
    assert_true(hello.size > 100);
    assert_int_equal(hello.data[0], 0x16); /* a record of the handshake */
    for (size_t i = 0; i + 14 < hello.size; i++)
        named |= memcmp(hello.data + i, "server.example", 14) == 0;
    assert_true(named);
    assert_int_equal(stream_waits(stream, STREAM_OUT), STREAM_IN);
    tls_client_free(scene.client); /* the stream lives on */
    scene.client = NULL;
    below.input = BYTES("HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_int_equal(stream_write(stream, &piece, 1), -EPROTO);
    assert_non_null(stream_failure(stream));
    stream_close(stream, STREAM_END_ABRUPT);
    scripted_deinit(&below);
    end(&scene);
}

/* Whether so many allocations of ours were made. */
static bool fail_at(unsigned n)
{
    const struct tls_client_options options = {
        .server_name = "server.example", .psk = "abc", .psk_identity = "lamp"
    };
    struct scene scene = { .client = NULL };
    struct scripted below;
    struct stream *stream = NULL;
    bool failed;

    *failing() = (struct failing){ .fail_at = n };
    if (tls_client_new(&scene.client, &options, scene.told) == 0) {
        int result = open_stream(&scene, &below, &stream);

        assert_true(result == 0 || result == -ENOMEM);
        stream_close(stream, STREAM_END_ABRUPT);
        scripted_deinit(&below);
        tls_client_free(scene.client);
    }
    failed = failing()->taken >= n;
    *failing() = (struct failing){ .fail_at = 0 };
    return failed;
}

TEST(each_allocation_may_fail)
{
    unsigned n = 1;

    while (fail_at(n))
        n++;
    assert_true(n > 4); /* the client, its two texts, the stream */
}
