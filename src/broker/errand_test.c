/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/errand.h"

#include "base/list.h"
#include "tests/harness/test.h"

#include <pthread.h>

enum { GIVERS = 4, ERRANDS_EACH = 2000, SLICES = 3 };

/* Writes its letter down each time that it runs. */
struct writer_errand {
    struct errand errand;
    char letter;
    unsigned slices;
    char *out;
    unsigned done;
};

static enum errand_state write_letter(struct errand *errand, struct shard *shard)
{
    struct writer_errand *writer = container_of(errand, struct writer_errand, errand);

    assert_null(shard);
    strncat(writer->out, &writer->letter, 1);
    return --writer->slices > 0 ? ERRAND_GOES_ON : ERRAND_DONE;
}

static void note_done(struct errand *errand)
{
    container_of(errand, struct writer_errand, errand)->done++;
}

static struct writer_errand writer_of(char letter, unsigned slices, char *out)
{
    return (struct writer_errand){
        .errand = { .run = write_letter, .done = note_done },
        .letter = letter,
        .slices = slices,
        .out = out,
    };
}

TEST(errands_run_in_order_of_their_coming)
{
    struct errands errands = { NULL };
    char out[16] = "";
    struct writer_errand a = writer_of('a', 1, out);
    struct writer_errand b = writer_of('b', 1, out);
    struct writer_errand c = writer_of('c', 1, out);

    assert_false(errands_wait(&errands));
    errands_post(&errands, &a.errand);
    errands_post(&errands, &b.errand);
    errands_post(&errands, &c.errand);
    assert_true(errands_wait(&errands));
    errands_run(&errands, NULL);
    assert_string_equal(out, "abc");
    assert_int_equal(a.done + b.done + c.done, 3);
    assert_false(errands_wait(&errands));
}

static enum errand_state do_nothing(struct errand *errand, struct shard *shard)
{
    (void)errand;
    (void)shard;
    return ERRAND_DONE;
}

TEST(errands_of_a_kind_are_taken_out)
{
    struct errands errands = { NULL };
    char out[16] = "";
    struct writer_errand a = writer_of('a', 1, out);
    struct writer_errand b = writer_of('b', 1, out);
    struct writer_errand c = writer_of('c', 1, out);

    a.errand.run = c.errand.run = do_nothing;
    errands_post(&errands, &a.errand);
    errands_post(&errands, &b.errand);
    errands_post(&errands, &c.errand);
    assert_ptr_equal(errands_take(&errands, do_nothing), &a.errand);
    assert_ptr_equal(errands_take(&errands, do_nothing), &c.errand);
    assert_null(errands_take(&errands, do_nothing));
    errands_run(&errands, NULL);
    assert_string_equal(out, "b");
    assert_int_equal(a.done + c.done, 0);
}

TEST(an_errand_that_goes_on_runs_once_in_each_turn_and_holds_up_no_other)
{
    struct errands errands = { NULL };
    char out[16] = "";
    struct writer_errand a = writer_of('a', 3, out);
    struct writer_errand b = writer_of('b', 1, out);
    struct writer_errand c = writer_of('c', 2, out);

    errands_post(&errands, &a.errand);
    errands_post(&errands, &b.errand);
    errands_run(&errands, NULL);
    assert_string_equal(out, "ab");
    assert_int_equal(b.done, 1);
    errands_post(&errands, &c.errand);
    errands_run(&errands, NULL);
    assert_string_equal(out, "abac");
    assert_int_equal(a.done, 0);
    errands_run(&errands, NULL);
    assert_string_equal(out, "abacac");
    assert_int_equal(a.done, 1);
    assert_int_equal(c.done, 1);
    assert_false(errands_wait(&errands));
}

/* ---- Between threads ---- */

struct meeting {
    struct errands errands;
    unsigned ran; /* only the runner's */
    atomic_bool over;
};

struct counting_errand {
    struct awaited_errand awaited;
    struct meeting *meeting;
    unsigned slices;
};

static enum errand_state count(struct errand *errand, struct shard *shard)
{
    struct counting_errand *counting = container_of(
            container_of(errand, struct awaited_errand, errand), struct counting_errand, awaited);

    (void)shard;
    counting->meeting->ran++;
    return ++counting->slices < SLICES ? ERRAND_GOES_ON : ERRAND_DONE;
}

static void *give(void *context)
{
    struct meeting *meeting = context;

    for (unsigned i = 0; i < ERRANDS_EACH; i++) {
        struct counting_errand counting = { .meeting = meeting };

        assert_int_equal(awaited_errand_init(&counting.awaited, count), 0);
        errands_post(&meeting->errands, &counting.awaited.errand);
        awaited_errand_wait(&counting.awaited);
        assert_int_equal(counting.slices, SLICES);
        awaited_errand_deinit(&counting.awaited);
    }
    return NULL;
}

static void *serve(void *context)
{
    struct meeting *meeting = context;

    while (!atomic_load(&meeting->over))
        errands_run(&meeting->errands, NULL);
    return NULL;
}

TEST(errands_of_many_threads_are_each_done_once)
{
    struct meeting meeting = { { NULL } };
    pthread_t givers[GIVERS];
    pthread_t server;

    assert_int_equal(pthread_create(&server, NULL, serve, &meeting), 0);
    for (unsigned i = 0; i < GIVERS; i++)
        assert_int_equal(pthread_create(&givers[i], NULL, give, &meeting), 0);
    for (unsigned i = 0; i < GIVERS; i++)
        pthread_join(givers[i], NULL);
    atomic_store(&meeting.over, true);
    pthread_join(server, NULL);
    assert_int_equal(meeting.ran, GIVERS * ERRANDS_EACH * SLICES);
}
