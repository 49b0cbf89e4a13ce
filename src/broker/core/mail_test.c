/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/mail.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

struct fixture {
    struct test_memory memory;
    struct mailbox mailbox;
    struct outbox outbox;
};

static void start(struct fixture *fixture, uint32_t slots)
{
    fixture->memory = test_memory_start();
    assert_true(
            mailbox_init(&fixture->mailbox, &fixture->memory.memory, slots, sizeof(struct mail)));
    fixture->outbox = (struct outbox){ .mailbox = &fixture->mailbox };
    list_init(&fixture->outbox.waiting);
}

static void end(struct fixture *fixture)
{
    mailbox_deinit(&fixture->mailbox, &fixture->memory.memory);
    test_memory_end(&fixture->memory);
}

static void post(struct fixture *fixture, struct letter *letter, uint32_t window)
{
    outbox_post(&fixture->outbox, letter, &(struct mail){ .kind = MAIL_MEMBER, .window = window });
}

/* The next mail that the other shard takes. */
static void expect_mail(struct fixture *fixture, uint32_t window)
{
    const struct mail *mail;

    mailbox_publish(&fixture->mailbox);
    mail = mailbox_take(&fixture->mailbox);
    assert_non_null(mail);
    assert_int_equal(mail->window, window);
    mailbox_finish(&fixture->mailbox);
}

TEST(letters_wait_in_order_until_there_is_room)
{
    struct fixture fixture;
    struct letter letters[4];

    start(&fixture, 2);
    for (uint32_t i = 0; i < 4; i++) {
        letter_init(&letters[i]);
        post(&fixture, &letters[i], i);
    }
    assert_false(list_linked(&letters[1].link));
    assert_true(list_linked(&letters[2].link));
    expect_mail(&fixture, 0);
    /* There is a free slot, but not for what comes now: others wait. */
    assert_false(outbox_has_room(&fixture.outbox));
    outbox_push(&fixture.outbox);
    expect_mail(&fixture, 1);
    outbox_push(&fixture.outbox);
    assert_false(list_linked(&letters[3].link));
    expect_mail(&fixture, 2);
    expect_mail(&fixture, 3);
    assert_true(outbox_has_room(&fixture.outbox));
    end(&fixture);
}

TEST(a_waiting_letter_says_what_it_was_told_last)
{
    struct fixture fixture;
    struct letter first;
    struct letter second;

    start(&fixture, 1);
    letter_init(&first);
    letter_init(&second);
    post(&fixture, &first, 1);
    post(&fixture, &second, 2);
    post(&fixture, &second, 3);
    expect_mail(&fixture, 1);
    outbox_push(&fixture.outbox);
    assert_true(list_empty(&fixture.outbox.waiting));
    expect_mail(&fixture, 3);
    end(&fixture);
}
