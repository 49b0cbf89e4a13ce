/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_FIRST = 64, MARKS_MAX = 64 << 20 };

bool ledger_init(struct ledger *ledger, unsigned stream_count, unsigned receiver_count)
{
    size_t account_count = (size_t)stream_count * receiver_count;

    memset(ledger, 0, sizeof(*ledger));
    ledger->streams = calloc(stream_count, sizeof(*ledger->streams));
    ledger->accounts = calloc(account_count, sizeof(*ledger->accounts));
    if (!ledger->streams || !ledger->accounts) {
        ledger_deinit(ledger);
        return false;
    }
    ledger->stream_count = stream_count;
    ledger->receiver_count = receiver_count;
    for (unsigned i = 0; i < stream_count; i++)
        ledger->streams[i].qos = 1;
    for (size_t i = 0; i < account_count; i++)
        ledger->accounts[i].from = UINT32_MAX;
    return true;
}

void ledger_deinit(struct ledger *ledger)
{
    for (size_t i = 0; i < (size_t)ledger->stream_count * ledger->receiver_count; i++)
        free(ledger->accounts[i].seen.bits);
    for (unsigned i = 0; i < ledger->stream_count; i++) {
        free(ledger->streams[i].acknowledged.bits);
        free(ledger->streams[i].resent.bits);
    }
    free(ledger->accounts);
    free(ledger->streams);
    memset(ledger, 0, sizeof(*ledger));
}

void ledger_note(struct ledger *ledger, enum verdict_kind kind, const char *format, ...)
{
    va_list arguments;

    ledger->verdict[kind]++;
    if (kind >= VERDICT_FAULTS || ledger->first_fault[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(ledger->first_fault, sizeof(ledger->first_fault), format, arguments);
    va_end(arguments);
}

static bool is_marked(const struct marks *marks, uint32_t number)
{
    return number / 8 < marks->size && (marks->bits[number / 8] & 1 << number % 8) != 0;
}

/* A judge without memory cannot go on. */
static void mark(struct marks *marks, uint32_t number)
{
    uint32_t size = marks->size > 0 ? marks->size : MARKS_FIRST;

    while (size <= number / 8 && size < MARKS_MAX)
        size *= 2;
    if (size > marks->size) {
        uint8_t *bits = realloc(marks->bits, size);

        if (!bits)
            abort();
        memset(bits + marks->size, 0, size - marks->size);
        marks->bits = bits;
        marks->size = size;
    }
    marks->bits[number / 8] |= (uint8_t)(1 << number % 8);
}

static struct account *account_of(const struct ledger *ledger, unsigned receiver, unsigned stream)
{
    return &ledger->accounts[(size_t)receiver * ledger->stream_count + stream];
}

uint32_t ledger_sent(struct ledger *ledger, unsigned stream)
{
    ledger_note(ledger, VERDICT_SENT, "-");
    return ledger->streams[stream].sent++;
}

void ledger_resent(struct ledger *ledger, unsigned stream, uint32_t number)
{
    ledger_note(ledger, VERDICT_RESENT, "-");
    mark(&ledger->streams[stream].resent, number);
}

void ledger_acknowledged(struct ledger *ledger, unsigned stream, uint32_t number)
{
    struct stream *at = &ledger->streams[stream];

    if (!is_marked(&at->acknowledged, number))
        at->done++;
    mark(&at->acknowledged, number);
}

void ledger_subscribed(struct ledger *ledger, unsigned receiver, unsigned stream)
{
    struct account *account = account_of(ledger, receiver, stream);

    if (account->from == UINT32_MAX)
        account->from = ledger->streams[stream].sent;
}

static void note_repetition(struct ledger *ledger, const struct arrival *arrival)
{
    const struct stream *stream = &ledger->streams[arrival->stream];

    ledger_note(ledger, arrival->qos == 2 ? VERDICT_DUPLICATED : VERDICT_REPEATED,
            "receiver %u has got message %u of stream %u at QoS 2 again", arrival->receiver,
            arrival->number, arrival->stream);
    /* Of a group, another member may have got it before. */
    if (arrival->qos == 1 && arrival->ordered && !arrival->dup &&
            !is_marked(&stream->resent, arrival->number))
        ledger_note(ledger, VERDICT_UNMARKED,
                "receiver %u has got message %u of stream %u again without DUP", arrival->receiver,
                arrival->number, arrival->stream);
}

void ledger_arrived(struct ledger *ledger, const struct arrival *arrival)
{
    struct account *account = account_of(ledger, arrival->receiver, arrival->stream);
    uint32_t number = arrival->number;

    ledger_note(ledger, VERDICT_RECEIVED, "-");
    if (is_marked(&account->seen, number)) {
        note_repetition(ledger, arrival);
        return;
    }
    mark(&account->seen, number);
    if (number >= account->from)
        account->count++;
    /* What was sent before the SUBACK may be sent again after it, behind what came first. */
    if (arrival->ordered && number >= account->from && number < account->next)
        ledger_note(ledger, VERDICT_LATE,
                "receiver %u has got message %u of stream %u, QoS %u, after %u", arrival->receiver,
                number, arrival->stream, arrival->qos, account->next - 1);
    if (number >= account->next)
        account->next = number + 1;
}

static uint64_t open_of(const struct account *account, const struct stream *stream)
{
    return account->from == UINT32_MAX ? 0 : stream->sent - account->from - account->count;
}

uint64_t ledger_open(const struct ledger *ledger)
{
    uint64_t open = 0;

    for (unsigned i = 0; i < ledger->stream_count; i++) {
        const struct stream *stream = &ledger->streams[i];

        open += stream->sent - stream->done;
        for (unsigned receiver = 0; receiver < ledger->receiver_count; receiver++)
            open += open_of(account_of(ledger, receiver, i), stream);
    }
    return open;
}

static void close_account(struct ledger *ledger, unsigned receiver, unsigned index)
{
    const struct account *account = account_of(ledger, receiver, index);
    const struct stream *stream = &ledger->streams[index];

    if (open_of(account, stream) == 0)
        return;
    for (uint32_t number = account->from; number < stream->sent; number++) {
        bool acknowledged = is_marked(&stream->acknowledged, number);

        if (!is_marked(&account->seen, number))
            ledger_note(ledger, acknowledged ? VERDICT_LOST : VERDICT_MISSING,
                    "receiver %u has not got message %u of %u of stream %u, QoS %u, which was %s",
                    receiver, number, stream->sent, index, stream->qos,
                    acknowledged ? "acknowledged" : "not acknowledged");
    }
}

void ledger_close(struct ledger *ledger)
{
    for (unsigned stream = 0; stream < ledger->stream_count; stream++) {
        for (unsigned receiver = 0; receiver < ledger->receiver_count; receiver++)
            close_account(ledger, receiver, stream);
    }
}

uint64_t ledger_faults(const struct ledger *ledger)
{
    uint64_t faults = 0;

    for (unsigned kind = 0; kind < VERDICT_FAULTS; kind++)
        faults += ledger->verdict[kind];
    return faults;
}

void ledger_print(const struct ledger *ledger, FILE *out)
{
    static const char *const names[VERDICT_KINDS] = {
        [VERDICT_LOST] = "acknowledged and lost",
        [VERDICT_MISSING] = "not acknowledged, missing",
        [VERDICT_DUPLICATED] = "QoS 2 twice",
        [VERDICT_LATE] = "out of order",
        [VERDICT_FORGOTTEN] = "sessions forgotten",
        [VERDICT_RETAINED] = "retained wrong",
        [VERDICT_REFUSED] = "refused",
        [VERDICT_UNMARKED] = "again without DUP",
        [VERDICT_BROKEN] = "protocol broken",
        [VERDICT_RECEIVED] = "received",
        [VERDICT_REPEATED] = "QoS 1 again",
        [VERDICT_SENT] = "sent",
        [VERDICT_RESENT] = "sent again",
        [VERDICT_RESUMED] = "sessions resumed",
        [VERDICT_OVERTAKEN] = "connections overtaken",
        [VERDICT_KILLS] = "kills",
    };

    for (unsigned kind = 0; kind < VERDICT_KINDS; kind++)
        fprintf(out, "%s%" PRIu64 " %s", kind > 0 ? ", " : "", ledger->verdict[kind], names[kind]);
    fprintf(out, "\n");
    if (ledger->first_fault[0] != '\0')
        fprintf(out, "the first fault: %s\n", ledger->first_fault);
}
