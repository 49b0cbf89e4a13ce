/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sn_state.h"

#include "mqttsn/advertise.h"
#include "mqttsn/gwinfo.h"
#include "mqttsn/searchgw.h"

static struct bytes address_of(const struct nj_sn_gateway *gateway)
{
    return bytes_of(gateway->address, gateway->address_size);
}

static struct bytes address_in_use(const struct nj_sn *sn)
{
    return bytes_of(sn->gateway, sn->gateway_size);
}

/* The gateway with the address, or a free place; NULL: there is neither. */
static struct nj_sn_gateway *find_gateway(const struct nj_sn *sn, struct bytes address)
{
    struct nj_sn_gateway *free = NULL;

    for (uint16_t i = 0; i < sn->setup.gateway_count; i++) {
        struct nj_sn_gateway *gateway = &sn->setup.gateways[i];

        if (gateway->present && bytes_equal(address_of(gateway), address))
            return gateway;
        if (!gateway->present && !free)
            free = gateway;
    }
    return free;
}

/* One is there. Returns whether that is news. */
static bool note_gateway(struct nj_sn *sn, struct bytes address, uint8_t id, int64_t until_ms,
        struct nj_sn_event *event)
{
    struct nj_sn_gateway *gateway = find_gateway(sn, address);
    bool is_new;

    sn->search_ms = INT64_MAX;
    if (!gateway || address.size > NJ_SN_ADDRESS_MAX)
        return false;
    is_new = !gateway->present;
    if (is_new && address.size > 0)
        memcpy(gateway->address, address.data, address.size);
    gateway->present = true;
    gateway->id = id;
    gateway->address_size = (uint8_t)address.size;
    if (is_new || until_ms != INT64_MAX) /* One that has advertised before will do so again. */
        gateway->until_ms = until_ms;
    event->kind = NJ_SN_EVENT_GATEWAY;
    event->gateway = gateway;
    return is_new;
}

static bool take_advertise(
        struct nj_sn *sn, struct bytes body, struct nj_sn_event *event, int64_t now_ms)
{
    struct mqttsn_advertise advertise;
    int64_t period_ms;

    if (mqttsn_advertise_decode(&advertise, body) != MQTT_SUCCESS)
        return false;
    period_ms = (int64_t)advertise.duration_s * 1000;
    /* Half a period more, so that the last one may be late. */
    return note_gateway(sn, sn_bytes_in(sn->sender), advertise.gateway_id,
            now_ms + period_ms * sn->setup.missed_max + period_ms / 2, event);
}

static bool take_gwinfo(struct nj_sn *sn, struct bytes body, struct nj_sn_event *event)
{
    struct mqttsn_gwinfo gwinfo;

    if (mqttsn_gwinfo_decode(&gwinfo, body) != MQTT_SUCCESS)
        return false;
    sn->info_ms = INT64_MAX; /* Whoever asked has heard it. [SN-6.1-9] */
    return note_gateway(sn,
            gwinfo.gateway_address.size > 0 ? gwinfo.gateway_address : sn_bytes_in(sn->sender),
            gwinfo.gateway_id, INT64_MAX, event);
}

static int64_t next_search_ms(struct nj_sn *sn, int64_t now_ms)
{
    int64_t at_ms = now_ms + sn->search_interval_ms;

    if (sn->search_interval_ms <= UINT32_MAX / 2)
        sn->search_interval_ms *= 2; /* [SN-6.1-10] */
    return at_ms;
}

/* The one to tell others of: that in use, or else any. */
static const struct nj_sn_gateway *gateway_to_tell(const struct nj_sn *sn)
{
    const struct nj_sn_gateway *gateway = find_gateway(sn, address_in_use(sn));

    if (gateway && gateway->present)
        return gateway;
    return nj_sn_other_gateway(sn);
}

static void take_searchgw(struct nj_sn *sn, struct bytes body, int64_t now_ms)
{
    struct mqttsn_searchgw search;

    if (mqttsn_searchgw_decode(&search, body) != MQTT_SUCCESS)
        return;
    if (sn->search_ms != INT64_MAX && search.radius == sn->radius) {
        sn->search_ms = next_search_ms(sn, now_ms); /* It is asked for us, too. [SN-6.1-7] */
    } else if (sn->setup.answers_search && gateway_to_tell(sn)) {
        sn->radius = search.radius;
        sn->info_ms = now_ms + sn_random_ms(sn, sn->setup.gateway_info_ms);
    }
}

bool sn_take_broadcast(struct nj_sn *sn, const struct mqttsn_message *message,
        struct nj_sn_event *event, int64_t now_ms)
{
    if (sn->setup.gateway_count == 0)
        return false;
    if (message->type == MQTTSN_ADVERTISE)
        return take_advertise(sn, message->body, event, now_ms);
    if (message->type == MQTTSN_GWINFO)
        return take_gwinfo(sn, message->body, event);
    take_searchgw(sn, message->body, now_ms);
    return false;
}

bool sn_gateway_gone(struct nj_sn *sn, struct nj_sn_event *event, int64_t now_ms)
{
    for (uint16_t i = 0; i < sn->setup.gateway_count; i++) {
        struct nj_sn_gateway *gateway = &sn->setup.gateways[i];

        if (gateway->present && gateway->until_ms <= now_ms) {
            gateway->present = false;
            event->kind = NJ_SN_EVENT_GATEWAY_GONE;
            event->gateway = gateway;
            return true;
        }
    }
    return false;
}

enum nj_error nj_sn_search(struct nj_sn *sn, uint8_t radius, int64_t now_ms)
{
    if (sn->setup.gateway_count == 0)
        return NJ_NOT_OFFERED;
    sn->radius = radius;
    sn->info_ms = INT64_MAX;
    sn->search_interval_ms = sn->setup.search_ms;
    sn->search_ms = now_ms + sn_random_ms(sn, sn->setup.search_ms);
    return NJ_OK;
}

const struct nj_sn_gateway *nj_sn_other_gateway(const struct nj_sn *sn)
{
    const struct nj_sn_gateway *gateways = sn->setup.gateways;
    uint16_t count = sn->setup.gateway_count;
    uint16_t used = 0;

    while (used < count &&
            !(gateways[used].present &&
                    bytes_equal(address_of(&gateways[used]), address_in_use(sn))))
        used++;
    /* From the one behind it on, so that each has its turn; itself comes last. */
    for (uint16_t i = 1; i <= count; i++) {
        const struct nj_sn_gateway *gateway = &gateways[(used + i) % count];

        if (gateway->present)
            return gateway;
    }
    return NULL;
}

int64_t sn_gateways_due_ms(const struct nj_sn *sn)
{
    int64_t due_ms = sn->search_ms < sn->info_ms ? sn->search_ms : sn->info_ms;

    for (uint16_t i = 0; i < sn->setup.gateway_count; i++) {
        const struct nj_sn_gateway *gateway = &sn->setup.gateways[i];

        if (gateway->present && gateway->until_ms < due_ms)
            due_ms = gateway->until_ms;
    }
    return due_ms;
}

void sn_gateways_tick(struct nj_sn *sn, int64_t now_ms)
{
    const struct nj_sn_gateway *gateway = gateway_to_tell(sn);
    struct writer out = sn_note(sn);

    if (sn_has_note(sn))
        return;
    if (sn->search_ms <= now_ms) {
        mqttsn_searchgw_encode(&out, &(struct mqttsn_searchgw){ .radius = sn->radius });
        sn->search_ms = next_search_ms(sn, now_ms);
    } else if (sn->info_ms <= now_ms) {
        sn->info_ms = INT64_MAX;
        if (!gateway)
            return;
        mqttsn_gwinfo_encode(&out,
                &(struct mqttsn_gwinfo){
                        .gateway_id = gateway->id, .gateway_address = address_of(gateway) });
    } else {
        return;
    }
    sn_noted(sn, &out, true);
}
