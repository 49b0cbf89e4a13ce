/* SPDX-License-Identifier: Apache-2.0 */
#include "check/run.h"

#include "check/probe.h"
#include "check/state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LINE_SIZE = 320,
    CODES_SIZE = 64,
    CASE_MS = 30000,   /* that a case may take, and its clearing as well, */
    CASE_ANSWERS = 10, /* with so many answers that come as late as they may */
};

void check_note(struct check *check, const char *format, ...)
{
    char *to = check->transcript;
    va_list arguments;

    if (check->clearing)
        return;
    if (check->transcript_size + LINE_SIZE > CHECK_REPORT_SIZE) {
        const char *half = strchr(to + check->transcript_size / 2, '\n');

        assert(half);
        check->transcript_size -= (size_t)(half + 1 - to);
        memmove(to, half + 1, check->transcript_size + 1);
    }
    va_start(arguments, format);
    vsnprintf(to + check->transcript_size, LINE_SIZE - 2, format, arguments);
    va_end(arguments);
    check->transcript_size += strlen(to + check->transcript_size);
    memcpy(to + check->transcript_size, "\n", 2);
    check->transcript_size++;
}

/* ---- How a case ends ---- */

_Noreturn static void __attribute__((format(printf, 3, 0)))
end(struct check *check, enum check_outcome outcome, const char *format, va_list arguments)
{
    if (!check->clearing) {
        check->outcome = outcome;
        vsnprintf(check->reason, sizeof(check->reason), format, arguments);
    }
    longjmp(check->end, 1);
}

void check_fail(struct check *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    end(check, CHECK_FAIL, format, arguments);
}

void check_skip(struct check *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    end(check, CHECK_SKIP, format, arguments);
}

/* ---- What is known ---- */

enum mqtt_version check_version(const struct check *check)
{
    return check->setup.version;
}

const struct check_target *check_target(const struct check *check)
{
    return check->setup.target;
}

void *check_subject(const struct check *check)
{
    return check->setup.subject;
}

void check_wait(struct check *check, int64_t ms)
{
    const struct wire *wire = check->setup.wire;

    check_note(check, "-- %lld ms pass", (long long)ms);
    wire->functions->pass(wire->context, ms);
}

int64_t check_now_ms(const struct check *check)
{
    const struct wire *wire = check->setup.wire;

    return wire->functions->now_ms(wire->context);
}

int64_t check_patience_ms(const struct check *check)
{
    return check->setup.wire->patience_ms;
}

/* ---- Bytes that must be refused ---- */

/* Copies the text of one packet; gives what stands behind it. */
static const char *copy_one(char *out, size_t size, const char *text)
{
    const char *next = notation_next(text);
    size_t length = (size_t)(next - text);

    if (length > 0 && text[length - 1] == '|')
        length--;
    assert(length < size);
    memcpy(out, text, length);
    out[length] = '\0';
    return next;
}

static void refuse_each(struct check *check, const char *packets, const char *codes, bool first)
{
    char packet[CHECK_TEXT_SIZE / 4];

    while (*packets) {
        struct probe *probe = first ? probe_open(check) : probe_connected(check, "~c");

        packets = copy_one(packet, sizeof(packet), packets);
        probe_send(probe, "%s", packet);
        probe_expect_end(probe, codes);
    }
}

static void play_refusals(struct check *check, const struct check_case *test)
{
    struct probe *witness = probe_connected(check, "~witness");
    char codes[CODES_SIZE];

    /* A server that wants a login may miss it before it looks at anything else. */
    snprintf(codes, sizeof(codes), "%s%s", test->codes ? test->codes : "",
            check->setup.target->user ? " 86 87" : "");
    probe_subscribes(witness, "~/#", 0);
    if (test->refused)
        refuse_each(check, test->refused, test->codes, false);
    if (test->refused_first)
        refuse_each(check, test->refused_first, codes, true);
    probe_expect_nothing(witness);
}

/* ---- One case ---- */

void check_play(
        struct check *check, void (*play)(struct check *check, const void *what), const void *what)
{
    if (setjmp(check->end) == 0)
        play(check, what);
}

/* In process nothing waits, and hours may pass in a case. */
static void start_clock(struct check *check)
{
    int64_t patience_ms = check->setup.wire->patience_ms;

    check->until_ms = patience_ms > 0 ? check_now_ms(check) + CASE_MS + CASE_ANSWERS * patience_ms
                                      : INT64_MAX;
}

static void play_case(struct check *check, const void *what)
{
    const struct check_case *test = what;
    const struct check_target *target = check->setup.target;

    check->need = test->need;
    if (!target->speaks[check->setup.version])
        check_skip(check, "the server does not speak this version of MQTT");
    if (!check_target_offers(target, test->need))
        check_skip(check, "%s", check_need_text(test->need));
    if (test->run)
        test->run(check);
    else
        play_refusals(check, test);
}

static void free_probes(struct check *check)
{
    struct probe *probe;

    while ((probe = check->probes)) {
        check->probes = probe->next;
        free(probe->down.data);
        free(probe->taken.data);
        free(probe->connack.data);
        free(probe);
    }
}

static void cut_all(struct check *check)
{
    for (struct probe *probe = check->probes; probe; probe = probe->next)
        probe_cut(probe);
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void check_run(
        struct check_result *out, const struct check_case *test, const struct check_setup *setup)
{
    struct check *check = calloc(1, sizeof(*check));

    *out = (struct check_result){ .outcome = CHECK_SKIP };
    if (!check) {
        out->reason = copy_text("there is no memory to play it");
        return;
    }
    check->setup = *setup;
    check->scope.name = check->setup.name;
    check->outcome = CHECK_PASS;
    start_clock(check);
    check_play(check, play_case, test);
    check->clearing = true;
    start_clock(check);
    cut_all(check);
    check_clear(check);
    cut_all(check);
    out->outcome = check->outcome;
    out->unreachable = check->unreachable;
    out->late = check->late;
    out->reason = copy_text(check->reason);
    out->transcript = copy_text(check->transcript);
    free_probes(check);
    free(check);
}

void check_result_deinit(struct check_result *result)
{
    free(result->reason);
    free(result->transcript);
    *result = (struct check_result){ 0 };
}
