/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sensor with a battery: it sleeps, calls for its commands each time so many seconds are over,
 * and connects to answer "read" with a reading. It says what it does, and ends with "off".
 */
#include <nightjar/sn.h>

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { NAME_SIZE = 48 };

/* What it has to do next. */
enum duty { SUBSCRIBE, SLEEP, WAIT, READ, LEAVE };

/* A firmware would have this as it is, in static memory. */
struct sensor {
    struct nj_sn sn;
    int radio;
    enum duty duty;
    int64_t period_ms;
    int64_t wake_ms;
    char reading_topic[NAME_SIZE];
    char command_topic[NAME_SIZE];
    uint8_t out[160];
    uint8_t given[160];
    struct nj_sn_known known[2];
    char names[2 * NAME_SIZE];
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_radio(const char *host, const char *port)
{
    struct addrinfo *address;
    int radio;

    if (getaddrinfo(host, port, &(const struct addrinfo){ .ai_socktype = SOCK_DGRAM }, &address))
        return -1;
    radio = socket(address->ai_family, SOCK_DGRAM, 0);
    if (connect(radio, address->ai_addr, address->ai_addrlen) != 0)
        radio = -1;
    freeaddrinfo(address);
    return radio;
}

static bool says(struct nj_bytes payload, const char *word)
{
    return payload.size == strlen(word) && memcmp(payload.data, word, payload.size) == 0;
}

/* Its session is there, from before as well; so are the commands that came in the meantime. */
static void connect_again(struct sensor *sensor, const char *id)
{
    const struct nj_sn_connect_options options = { .client_id = nj_text(id), .keep_alive_s = 30 };

    nj_sn_connect(&sensor->sn, &options, now_ms());
}

static void take(struct sensor *sensor, const struct nj_sn_event *event, const char *id)
{
    if (event->kind == NJ_SN_EVENT_CONNECTED && sensor->duty != READ)
        sensor->duty = SUBSCRIBE;
    else if (event->kind == NJ_SN_EVENT_SUBSCRIBED || event->kind == NJ_SN_EVENT_DONE)
        sensor->duty = SLEEP;
    else if (event->kind == NJ_SN_EVENT_ASLEEP && sensor->duty != READ && sensor->duty != LEAVE)
        sensor->duty = WAIT;
    else if (event->kind == NJ_SN_EVENT_MESSAGE)
        sensor->duty = says(event->payload, "off") ? LEAVE : READ;
    else if (event->kind == NJ_SN_EVENT_ENDED || event->kind == NJ_SN_EVENT_LOST)
        connect_again(sensor, id);
    if (event->kind == NJ_SN_EVENT_ASLEEP) {
        puts("asleep");
        sensor->wake_ms = now_ms() + sensor->period_ms;
    }
    if (event->kind == NJ_SN_EVENT_MESSAGE)
        printf("command: %.*s\n", (int)event->payload.size, (const char *)event->payload.data);
}

/* Each of these is too early while something is under way, and then comes again. */
static void work(struct sensor *sensor)
{
    const struct nj_sn_topic command = nj_sn_name(sensor->command_topic);
    const struct nj_sn_topic reading = nj_sn_name(sensor->reading_topic);
    struct nj_sn *sn = &sensor->sn;

    if (sensor->duty == SUBSCRIBE)
        nj_sn_subscribe(sn, &command, 1, now_ms());
    else if (sensor->duty == SLEEP)
        nj_sn_sleep(sn, (uint16_t)(2 * sensor->period_ms / 1000), now_ms());
    else if (sensor->duty == WAIT && now_ms() >= sensor->wake_ms)
        nj_sn_wake(sn, now_ms());
    else if (sensor->duty == READ &&
            nj_sn_publish(sn, &reading, nj_text("21.5"), 1, false, now_ms()) == NJ_NOT_CONNECTED)
        nj_sn_resume(sn, now_ms());
}

/* Sends what there is to send; then the radio listens until something is due. */
static void turn(struct sensor *sensor)
{
    struct pollfd pollfd = { .fd = sensor->radio, .events = POLLIN };
    struct nj_sn_datagram datagram;
    int64_t due_ms;
    ssize_t count;

    for (; nj_sn_output(&sensor->sn, &datagram); nj_sn_sent(&sensor->sn))
        send(sensor->radio, datagram.data.data, datagram.data.size, MSG_NOSIGNAL);
    due_ms = nj_sn_due_ms(&sensor->sn);
    if (sensor->duty == WAIT && sensor->wake_ms < due_ms)
        due_ms = sensor->wake_ms;
    due_ms -= now_ms();
    if (poll(&pollfd, 1, due_ms < 0 ? 0 : due_ms < 1000 ? (int)due_ms : 1000) <= 0)
        return;
    count = recv(sensor->radio, sensor->given, sizeof(sensor->given), 0);
    nj_sn_receive(
            &sensor->sn, nj_text(NULL), nj_bytes_of(sensor->given, count > 0 ? (size_t)count : 0));
}

int main(int argc, char **words)
{
    struct sensor sensor = { .radio = argc == 5 ? open_radio(words[1], words[2]) : -1 };
    const struct nj_sn_setup setup = { .out = sensor.out,
        .out_size = sizeof(sensor.out),
        .known = sensor.known,
        .known_count = 2,
        .names = sensor.names,
        .name_size = NAME_SIZE,
        .retry_ms = 1000 };
    struct nj_sn_event event;

    if (sensor.radio < 0 || strlen(words[3]) > 23 || atoi(words[4]) < 1) {
        fprintf(stderr, "usage: sensor HOST PORT ID SECONDS\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(sensor.reading_topic, NAME_SIZE, "sensor/%.23s/reading", words[3]);
    snprintf(sensor.command_topic, NAME_SIZE, "sensor/%.23s/command", words[3]);
    sensor.period_ms = (int64_t)atoi(words[4]) * 1000;
    nj_sn_init(&sensor.sn, &setup);
    connect_again(&sensor, words[3]);
    while (sensor.duty != LEAVE) {
        turn(&sensor);
        while (nj_sn_next(&sensor.sn, &event, now_ms()))
            take(&sensor, &event, words[3]);
        nj_sn_tick(&sensor.sn, now_ms());
        work(&sensor);
    }
    turn(&sensor);
    return 0;
}
