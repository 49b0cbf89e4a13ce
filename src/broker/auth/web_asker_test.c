/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_asker.h"

#include "broker/auth/fixture.h"
#include "loop/clock.h"
#include "mqtt/version.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, HELD_MAX = 64, TIMEOUT_MS = 500, TIMEOUT_MAX_MS = 8000 };

/* ---- A service of the test's own, in a thread: what it answers is said by the URL's path ---- */

struct service {
    int fd;
    uint16_t port;
    pthread_t thread;
    atomic_uint requests;
    int held[HELD_MAX]; /* connections that get no answer */
    unsigned held_count;
    char last[REQUEST_MAX]; /* the last request */
};

static const struct {
    const char *path;
    const char *answer;
} answers[] = {
    { "/allow ", "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"result\":\"allow\"}" },
    { "/deny ", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" },
    { "/span ",
            "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{\"result\":\"allow\",\"expire_s\":60}" },
    { "/error ", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" },
    { "/away ", "HTTP/1.1 302 Found\r\nLocation: /allow\r\nContent-Length: 0\r\n\r\n" },
    { "/nonsense ", "220 this is another protocol\r\n" },
    { "/cut ", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{" },
};

static void write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, text, size, MSG_NOSIGNAL);

        if (written <= 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}

static void write_huge(int fd)
{
    char *body = calloc(1, WEB_ANSWER_MAX + 1);
    const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n";

    assert_non_null(body);
    write_all(fd, head, sizeof(head) - 1);
    write_all(fd, body, WEB_ANSWER_MAX + 1);
    free(body);
}

/* Reads a request to its end; its body is one JSON object, so it ends with "}". */
static bool read_request(int fd, char request[REQUEST_MAX])
{
    size_t size = 0;

    while (size + 1 < REQUEST_MAX) {
        ssize_t got = recv(fd, request + size, REQUEST_MAX - 1 - size, 0);

        if (got <= 0)
            return false;
        size += (size_t)got;
        request[size] = '\0';
        if (request[size - 1] == '}' && strstr(request, "\r\n\r\n{"))
            return true;
    }
    return false;
}

/* False: the connection is to stay open without an answer. */
static bool serve_one(struct service *service, int fd)
{
    if (!read_request(fd, service->last))
        return true;
    atomic_fetch_add(&service->requests, 1);
    if (strstr(service->last, "POST /slow ") && service->held_count < HELD_MAX) {
        service->held[service->held_count++] = fd;
        return false;
    }
    if (strstr(service->last, "POST /huge "))
        write_huge(fd);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strncmp(service->last + 5, answers[i].path, strlen(answers[i].path)) == 0)
            write_all(fd, answers[i].answer, strlen(answers[i].answer));
    }
    return true;
}

static void *serve(void *context)
{
    struct service *service = context;
    int fd;

    while ((fd = accept(service->fd, NULL, NULL)) >= 0) {
        if (serve_one(service, fd)) {
            shutdown(fd, SHUT_WR);
            close(fd);
        }
    }
    return NULL;
}

static void service_open(struct service *service)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    *service = (struct service){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
    assert_true(service->fd >= 0);
    assert_int_equal(bind(service->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(service->fd, 128), 0);
    assert_int_equal(getsockname(service->fd, (struct sockaddr *)&address, &size), 0);
    service->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&service->thread, NULL, serve, service), 0);
}

static void service_close(struct service *service)
{
    shutdown(service->fd, SHUT_RDWR);
    pthread_join(service->thread, NULL);
    close(service->fd);
    for (unsigned i = 0; i < service->held_count; i++)
        close(service->held[i]);
}

/* ---- Who asks it ---- */

struct office {
    struct service service;
    struct web_asker asker;
    struct test_memory memory;
    struct desk desk;
    sem_t rings;
    struct config_http wanted;
};

static void ring(void *context)
{
    sem_post(context);
}

static void office_open(struct office *office)
{
    office->memory = test_memory_start();
    service_open(&office->service);
    web_asker_init(&office->asker);
    assert_int_equal(sem_init(&office->rings, 0, 0), 0);
    desk_init(&office->desk, ring, &office->rings);
    office->wanted = (struct config_http){ .timeout_ms = 20000, .max_waiting = 4 };
    assert_int_equal(web_asker_start(&office->asker), 0);
    assert_int_equal(web_asker_start(&office->asker), 0);
}

static void office_close(struct office *office)
{
    web_asker_stop(&office->asker);
    web_asker_deinit(&office->asker);
    desk_deinit(&office->desk, &office->memory.memory);
    sem_destroy(&office->rings);
    service_close(&office->service);
    assert_int_equal(office->memory.state->blocks, 0);
    test_memory_end(&office->memory);
}

static int read_service(
        struct office *office, struct web_service **out, const char *path, struct report *report)
{
    const struct source source = source_system();

    snprintf(office->wanted.url, sizeof(office->wanted.url), "http://127.0.0.1:%u%s",
            office->service.port, path);
    return web_service_read(
            out, &office->wanted, (struct report_origin){ "conf", 1 }, &source, report);
}

static bool ask(struct office *office, const char *path, const char *password)
{
    const struct login login = { .user = BYTES("alice"),
        .password = bytes_of_text(password),
        .client_id = BYTES("c"),
        .peer = BYTES("10.0.0.7:5"),
        .port = 1883,
        .version = MQTT_5_0 };
    struct report report = { 0 };
    struct web_service *service = NULL;
    struct web_question *web;
    bool taken;

    assert_int_equal(read_service(office, &service, path, &report), 0);
    web = web_question_new(&office->memory.memory, service, &login, &office->desk, PROOF_SERVICE);
    web_service_unref(service);
    assert_non_null(web);
    taken = web_asker_ask(&office->asker, web);
    if (!taken)
        question_free(&office->memory.memory, &web->question);
    return taken;
}

static struct web_question *await(struct office *office)
{
    struct question *question;

    while (!(question = desk_take(&office->desk)))
        assert_int_equal(sem_wait(&office->rings), 0);
    return container_of(question, struct web_question, question);
}

/* Asks and awaits; the status, or 0 without an answer. */
static long status_of(struct office *office, const char *path, const char *password)
{
    struct web_question *web;
    long status;

    assert_true(ask(office, path, password));
    web = await(office);
    status = web->status;
    assert_true(status > 0 || web->fault);
    question_free(&office->memory.memory, &web->question);
    return status;
}

TEST(the_service_is_asked_and_answers)
{
    struct office office;
    struct web_question *web;

    office_open(&office);
    strcpy(office.wanted.headers, "Authorization: Bearer x\nX-Site: home");
    assert_true(ask(&office, "/allow", "wonder"));
    web = await(&office);
    assert_int_equal(web->status, 200);
    assert_true(bytes_equal(bytes_of(web->body, web->body_size), BYTES("{\"result\":\"allow\"}")));
    question_free(&office.memory.memory, &web->question);
    assert_non_null(strstr(office.service.last, "\r\nAuthorization: Bearer x\r\n"));
    assert_non_null(strstr(office.service.last, "\r\nX-Site: home\r\n"));
    assert_non_null(strstr(office.service.last, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(office.service.last, "\"password\":\"wonder\""));
    assert_int_equal(status_of(&office, "/deny", "wonder"), 403);
    assert_int_equal(status_of(&office, "/error", "wonder"), 500);
    /* It goes nowhere else. */
    assert_int_equal(status_of(&office, "/away", "wonder"), 302);
    assert_int_equal(atomic_load(&office.service.requests), 4);
    office_close(&office);
}

TEST(what_is_no_answer_is_none)
{
    struct office office;

    office_open(&office);
    assert_int_equal(status_of(&office, "/nonsense", "wonder"), 0);
    assert_int_equal(status_of(&office, "/cut", "wonder"), 0);
    assert_int_equal(status_of(&office, "/huge", "wonder"), 0);
    assert_int_equal(status_of(&office, "/nothing", "wonder"), 0);
    office.wanted.timeout_ms = TIMEOUT_MS;
    assert_int_equal(status_of(&office, "/slow", "wonder"), 0);
    office_close(&office);
}

TEST(a_service_that_is_not_there_is_told)
{
    struct office office;
    struct service gone;

    office_open(&office);
    service_open(&gone);
    service_close(&gone);
    office.service.port ^= gone.port; /* swapped, for one question */
    gone.port ^= office.service.port;
    office.service.port ^= gone.port;
    assert_int_equal(status_of(&office, "/allow", "wonder"), 0);
    office_close(&office);
}

TEST(the_same_is_not_asked_twice)
{
    static const struct {
        const char *path;
        const char *password;
        unsigned requests; /* so far */
    } rows[] = {
        { "/allow", "wonder", 1 },
        { "/allow", "wonder", 1 },
        { "/allow", "other", 2 },
        { "/deny", "wonder", 3 },
        { "/deny", "wonder", 3 },
        { "/error", "wonder", 4 },
        { "/error", "wonder", 5 },
        { "/span", "wonder", 6 },
        { "/span", "wonder", 7 },
    };
    struct office office;

    office_open(&office);
    office.wanted.cache_s = 60;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(status_of(&office, rows[i].path, rows[i].password) > 0);
        assert_int_equal(atomic_load(&office.service.requests), rows[i].requests);
    }
    strcpy(office.wanted.headers, "X: another");
    assert_int_equal(status_of(&office, "/allow", "wonder"), 200);
    assert_int_equal(atomic_load(&office.service.requests), 8);
    office.wanted.cache_s = 0;
    assert_int_equal(status_of(&office, "/allow", "wonder"), 200);
    assert_int_equal(atomic_load(&office.service.requests), 9);
    office_close(&office);
}

TEST(only_so_many_wait_and_the_end_waits_for_none)
{
    struct office office;

    office_open(&office);
    for (unsigned i = 0; i < 4; i++)
        assert_true(ask(&office, "/slow", "wonder"));
    assert_false(ask(&office, "/allow", "wonder"));
    web_asker_stop(&office.asker);
    for (unsigned i = 0; i < 4; i++) {
        struct web_question *web = await(&office);

        assert_int_equal(web->status, 0);
        question_free(&office.memory.memory, &web->question);
    }
    assert_int_equal(status_of(&office, "/allow", "wonder"), 0);
    office_close(&office);
}

/* How long it takes until so many that get no answer are given up. */
static int64_t ms_of_unanswered(unsigned questions, uint32_t timeout_ms)
{
    int64_t begun_ms = clock_now_ms();
    struct office office;

    office_open(&office);
    office.wanted.timeout_ms = timeout_ms;
    office.wanted.max_waiting = questions;
    for (unsigned i = 0; i < questions; i++)
        assert_true(ask(&office, "/slow", "wonder"));
    for (unsigned i = 0; i < questions; i++) {
        struct web_question *web = await(&office);

        assert_int_equal(web->status, 0);
        question_free(&office.memory.memory, &web->question);
    }
    office_close(&office);
    return clock_now_ms() - begun_ms;
}

/* One after the other they would take eight times as long, whatever that time is. A machine that is
 * slow, or stands still, adds to it what counts for less the longer it is. */
TEST(who_waits_for_a_connection_waits_no_longer_than_the_others)
{
    uint32_t timeout_ms = TIMEOUT_MS;

    while (ms_of_unanswered(8 * WEB_CONNECTIONS_MAX, timeout_ms) >= 4 * timeout_ms) {
        timeout_ms *= 2;
        assert_in_range(timeout_ms, TIMEOUT_MS, TIMEOUT_MAX_MS);
    }
}

TEST(what_is_not_fetched_goes_with_its_desk)
{
    struct office office;

    office_open(&office);
    assert_true(ask(&office, "/allow", "wonder"));
    assert_true(ask(&office, "/slow", "wonder"));
    assert_int_equal(sem_wait(&office.rings), 0);
    office_close(&office);
}

TEST(what_cannot_be_asked_is_told)
{
    static const struct {
        const char *url;
        const char *headers;
        const char *cafile;
        const char *told;
    } rows[] = {
        { "ftp://host/", "", "", "conf:3: auth_http is no URL" },
        { "file:///etc/passwd", "", "", "auth_http is no URL" },
        { "http:///path", "", "", "auth_http is no URL" },
        { "http://", "", "", "auth_http is no URL" },
        { "http://a b/", "", "", "auth_http is no URL" },
        { "http://user:secret@host/", "", "", "auth_http is no URL" },
        { "http://a/", "Authorization", "", "auth_http_header is no header" },
        { "http://a/", ": x", "", "auth_http_header is no header" },
        { "https://a/", "", "none", "none: cannot be read" },
        { "https://a/", "", "empty", "empty: it has no certificate" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_http wanted = { .max_waiting = 1 };
        struct web_service *service = NULL;
        struct fixture fixture;

        fixture_start(&fixture);
        fixture_add(&fixture, "empty", "nothing");
        strcpy(wanted.url, rows[i].url);
        strcpy(wanted.headers, rows[i].headers);
        strcpy(wanted.cafile, rows[i].cafile);
        assert_int_equal(web_service_read(&service, &wanted, (struct report_origin){ "conf", 3 },
                                 &fixture.source, &fixture.report),
                -EINVAL);
        assert_null(service);
        if (!fixture_told(&fixture, rows[i].told))
            fail_msg("row %zu: %s", i, fixture.told);
    }
}
