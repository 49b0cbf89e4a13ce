/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/config/fixture.h"
#include "tests/harness/test.h"

struct reload {
    struct fixture running;
    struct fixture next;
    unsigned changes;
};

/* Reloads from one text to another; both must be good. */
static void reload(struct reload *reload, const char *running, const char *next)
{
    assert_int_equal(fixture_load(&reload->running, running), 0);
    assert_int_equal(fixture_load(&reload->next, next), 0);
    reload->next.told[0] = '\0';
    reload->changes =
            config_reload(reload->next.config, reload->running.config, &reload->next.report);
}

static void end(struct reload *reload)
{
    fixture_end(&reload->running);
    fixture_end(&reload->next);
}

TEST(reading_the_same_file_again_changes_nothing)
{
    static const char text[] = "listener 1883\nallow_anonymous true\nlog_dest file /l\nuser x\n"
                               "listener 1884 ::1\nmax_qos 1\npersistent_client_expiration 1d\n";
    static struct reload again;

    reload(&again, text, text);
    assert_int_equal(again.changes, 0);
    assert_string_equal(again.next.told, "");
    end(&again);
}

TEST(what_is_live_changes_and_is_told)
{
    static struct reload live;

    reload(&live, "max_keepalive 60\nlog_type all\n",
            "\nmax_keepalive 30\nmax_connections 5\nlog_dest stdout\nlog_type all\n");
    assert_int_equal(live.next.config->core.max_keepalive_s, 30);
    assert_int_equal(live.next.config->listeners[0].settings.max_connections, 5);
    assert_int_equal(live.next.config->log.to.set, LOG_TO_STDOUT);
    assert_int_equal(live.changes, 4); /* max_connections on both addresses */
    assert_true(fixture_told(&live.next, "notice: conf:2: max_keepalive changes from 60 to 30\n"));
    assert_true(fixture_told(&live.next, "notice: conf:4: log_dest changes from stderr to stdout"));
    end(&live);
}

TEST(a_line_that_is_gone_brings_the_default_back)
{
    static struct reload gone;

    reload(&gone, "max_keepalive 60\nlog_timestamp_format %s\n", "");
    assert_int_equal(gone.next.config->core.max_keepalive_s, 0);
    assert_true(fixture_told(&gone.next, "notice: max_keepalive changes from 60 to 0\n"));
    assert_true(fixture_told(
            &gone.next, "notice: log_timestamp_format changes from %s to (nothing)\n"));
    end(&gone);
}

TEST(what_needs_a_restart_keeps_its_value_and_is_told)
{
    static struct reload kept;

    reload(&kept, "threads 2\nuser a\n", "threads 4\nuser b\npid_file /p\n");
    assert_int_equal(kept.changes, 0);
    assert_int_equal(kept.next.config->threads, 2);
    assert_string_equal(kept.next.config->user, "a");
    assert_string_equal(kept.next.config->pid_file, "");
    assert_true(fixture_told(
            &kept.next, "warning: conf:1: threads stays 2; restart the server to make it 4\n"));
    assert_true(fixture_told(&kept.next,
            "warning: conf:3: pid_file stays (nothing); restart the server to make it /p\n"));
    end(&kept);
}

TEST(a_longer_value_before_leaves_no_trace)
{
    static struct reload trace;

    reload(&trace, "user b\n", "user longer\nuser b\n");
    assert_int_equal(trace.changes, 0);
    assert_string_equal(trace.next.told, "");
    end(&trace);
}

TEST(listeners_are_matched_by_port_and_address_in_any_order)
{
    static struct reload order;

    reload(&order, "allow_anonymous true\nlistener 1\nlistener 2 ::1\n",
            "allow_anonymous true\nlistener 2 ::1\nmax_connections 5\nlistener 1\nmax_qos 0\n");
    assert_int_equal(order.changes, 2);
    assert_int_equal(order.next.config->listeners[0].settings.port, 1);
    assert_int_equal(order.next.config->listeners[0].settings.max_qos, 0);
    assert_int_equal(order.next.config->listeners[1].settings.port, 2);
    assert_int_equal(order.next.config->listeners[1].settings.max_connections, 5);
    assert_true(
            fixture_told(&order.next, "notice: conf:3: max_connections changes from -1 to 5\n"));
    end(&order);
}

TEST(new_listeners_open_and_missing_ones_close)
{
    static struct reload other;

    reload(&other, "allow_anonymous true\nlistener 1\nmax_qos 1\nlistener 2\n",
            "allow_anonymous true\nlistener 3\nlistener 2\nmax_qos 0\n");
    assert_int_equal(other.changes, 3);
    assert_int_equal(other.next.config->listener_count, 3);
    /* It keeps its place, and nothing that would let anyone in. */
    assert_true(other.next.config->listeners[0].closed);
    assert_int_equal(other.next.config->listeners[0].settings.port, 1);
    assert_false(other.next.config->listeners[0].settings.allow_anonymous);
    assert_false(other.next.config->listeners[1].closed);
    assert_int_equal(other.next.config->listeners[1].settings.max_qos, 0);
    assert_false(other.next.config->listeners[2].closed);
    assert_int_equal(other.next.config->listeners[2].settings.port, 3);
    assert_int_equal(other.next.config->listeners[2].settings.number, 2);
    assert_int_equal(config_origin(other.next.config, "max_qos", 1).line, 4);
    assert_true(fixture_told(&other.next, "notice: conf:2: listener 3 opens\n"));
    assert_true(fixture_told(
            &other.next, "notice: listener 1 closes, as it is gone from the configuration\n"));
    end(&other);
}

TEST(a_listener_that_comes_back_gets_its_place_again)
{
    static struct fixture files[3];
    const char *const texts[] = { "listener 1\nlistener 2\n", "listener 2\n",
        "listener 1\nlistener 2\n" };

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fixture_load(&files[i], texts[i]), 0);
        if (i > 0)
            assert_int_equal(
                    config_reload(files[i].config, files[i - 1].config, &files[i].report), 1);
    }
    assert_true(files[1].config->listeners[0].closed);
    assert_int_equal(files[2].config->listener_count, 2);
    assert_false(files[2].config->listeners[0].closed);
    assert_int_equal(files[2].config->listeners[0].settings.port, 1);
    assert_int_equal(files[2].config->listeners[1].settings.port, 2);
    assert_true(fixture_told(&files[2], "notice: conf:1: listener 1 opens\n"));
    for (size_t i = 0; i < 3; i++)
        fixture_end(&files[i]);
}

TEST(places_of_listeners_come_to_an_end)
{
    enum { LINE_SIZE = 24 };
    static struct fixture many;
    static struct fixture other;
    char text[CONFIG_LISTENERS_MAX * LINE_SIZE] = "";

    for (int i = 1; i <= CONFIG_LISTENERS_MAX; i++)
        snprintf(text + strlen(text), LINE_SIZE, "listener %d\n", i);
    assert_int_equal(fixture_load(&many, text), 0);
    assert_int_equal(fixture_load(&other, "listener 1\nlistener 100\n"), 0);
    assert_int_equal(config_reload(other.config, many.config, &other.report), -EINVAL);
    assert_true(fixture_told(&other,
            "error: with this there would have been listeners at more than 64 addresses since the "
            "start; restart the server\n"));
    fixture_end(&other);
    fixture_end(&many);
}

TEST(where_a_listener_listens_waits_for_a_restart)
{
    static struct reload domain;

    reload(&domain, "listener 1\nallow_anonymous true\n",
            "listener 1\nsocket_domain ipv4\nallow_anonymous true\nbind_interface lo\n");
    assert_int_equal(domain.next.config->listeners[0].socket_domain, CONFIG_DOMAIN_ANY);
    assert_string_equal(domain.next.config->listeners[0].interface, "");
    assert_true(fixture_told(&domain.next,
            "warning: conf:2: socket_domain stays (nothing); restart the server to make it "
            "ipv4\n"));
    end(&domain);
}

TEST(anonymous_access_can_be_taken_away_live)
{
    static struct reload closed;

    reload(&closed, "listener 1\nallow_anonymous true\n", "listener 1\nallow_anonymous false\n");
    assert_false(closed.next.config->listeners[0].settings.allow_anonymous);
    assert_true(fixture_told(&closed.next, "allow_anonymous changes from true to false\n"));
    end(&closed);
}

TEST(the_dump_after_a_reload_shows_the_listeners_that_are_open)
{
    static struct reload shown;
    char *text = NULL;
    size_t size = 0;
    FILE *out;

    reload(&shown, "allow_anonymous true\nlistener 1\nlistener 2\n",
            "allow_anonymous true\nlistener 3\nmax_qos 1\nlistener 2\nmax_qos 0\nlistener 1\n");
    out = open_memstream(&text, &size);
    assert_non_null(out);
    config_dump(shown.next.config, out);
    fclose(out);
    assert_non_null(strstr(text,
            "conf:2: listener 3 (live)\nconf:3: max_qos 1 (live)\n"
            "conf:4: listener 2 (live)\nconf:5: max_qos 0 (live)\n"
            "conf:6: listener 1 (live)\n"));
    free(text);
    end(&shown);
}
