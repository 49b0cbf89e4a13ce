/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/authority.h"

#include "mqtt/topic.h"

#include <assert.h>

enum { CHEAP_ROUNDS = 200 }; /* Mosquitto 2.0's hashes have 101 */

/* Who a client is. */
struct identity {
    uint16_t listener;
    uint16_t user_size;
    bool of_transport; /* the name was proved before there was any MQTT */
    bool proved;       /* by a password, of whose hash these are the first bytes */
    uint8_t proof[PASSWORD_HASH_MIN];
    uint8_t user[]; /* the name it gave; empty: none */
};

static const struct rules *rules_of(const struct authority *authority, uint16_t listener)
{
    assert(listener < authority->book->listener_count);
    return &authority->book->listeners[listener];
}

static struct bytes user_of(const struct identity *identity)
{
    return bytes_of(identity->user, identity->user_size);
}

/* ---- Coming in ---- */

static struct access_verdict refused(enum mqtt_reason reason, const char *text)
{
    return (struct access_verdict){ .reason = reason, .text = text };
}

static struct access_verdict admitted(const struct authority *authority, struct bytes user,
        uint16_t listener, const struct password_hash *proof)
{
    size_t size = sizeof(struct identity) + user.size;
    struct identity *identity = memory_take_zeroed(authority->memory, size);

    if (!identity)
        return refused(MQTT_SERVER_BUSY, "no memory to keep who it is");
    identity->listener = listener;
    identity->of_transport = rules_of(authority, listener)->user_name_proved;
    identity->user_size = (uint16_t)user.size;
    if (user.size > 0)
        memcpy(identity->user, user.data, user.size);
    if (proof) {
        identity->proved = true;
        memcpy(identity->proof, proof->hash, PASSWORD_HASH_MIN);
    }
    return (struct access_verdict){ .reason = MQTT_SUCCESS, .identity = identity };
}

static void tell_login(const struct authority *authority, struct bytes name,
        const struct password_file *file, const struct password_user *user, bool good)
{
    const char *result = good ? "good" : user ? "wrong_password" : "unknown_user";

    journal_tell(authority->journal, EVENT_DEBUG, "login.checked", field_bytes("user", name),
            field_text("file", file->path), field_number("line", user ? user->line : 0),
            field_text("result", result));
}

/* What the check of a password, `result`, comes to for the user of that name. */
static struct access_verdict judge_login(const struct authority *authority, struct bytes name,
        uint16_t listener, const struct password_user *user, int result)
{
    const struct password_file *file = rules_of(authority, listener)->passwords;

    tell_login(authority, name, file, user, user && result > 0);
    if (result < 0)
        return refused(MQTT_SERVER_BUSY, "its password cannot be checked now");
    if (user && result > 0)
        return admitted(authority, name, listener, &user->hash);
    /* One answer for both, so that nobody learns which names there are. */
    return refused(
            MQTT_NOT_AUTHORIZED, "its password file does not have that name with that password");
}

/* Cheap enough for a shard: a fraction of a millisecond. */
static bool is_cheap(const struct password_hash *hash)
{
    return hash->algorithm != PASSWORD_ARGON2ID && hash->rounds <= CHEAP_ROUNDS;
}

/* Hands the check to the threads; its verdict comes by authority_next(). */
static struct access_verdict check_later(const struct authority *authority,
        const struct access_arrival *arrival, const struct password_hash *hash, bool known)
{
    const struct mqtt_connect *connect = arrival->connect;
    struct hash_check *check =
            hash_check_new(authority->memory, connect->user_name, connect->password);

    if (!check)
        return refused(MQTT_SERVER_BUSY, "no memory to check its password");
    check->ticket = arrival->ticket;
    check->listener = arrival->listener->number;
    check->hash = *hash;
    check->known = known;
    if (hash_desk_ask(authority->desk, check))
        return (struct access_verdict){ .reason = MQTT_CONTINUE_AUTHENTICATION };
    hash_check_free(authority->memory, check);
    return refused(MQTT_SERVER_BUSY, "too many passwords wait to be checked");
}

static struct access_verdict check_password(const struct authority *authority,
        const struct access_arrival *arrival, const struct password_file *file)
{
    const struct mqtt_connect *connect = arrival->connect;
    const struct password_user *user = password_file_find(file, connect->user_name);
    uint16_t listener = arrival->listener->number;
    const struct password_hash *hash;

    if (!connect->has_password || file->count == 0)
        return judge_login(authority, connect->user_name, listener, user, 0);
    /* For a name that is not there another one's hash: it is to take as long. */
    hash = user ? &user->hash : &file->users[0].hash;
    if (authority->desk && !is_cheap(hash))
        return check_later(authority, arrival, hash, user != NULL);
    return judge_login(authority, connect->user_name, listener, user,
            password_hash_matches(hash, connect->password));
}

/* The rules may be others than those by which the check was asked for. */
static struct access_verdict judge_check(
        const struct authority *authority, const struct hash_check *check)
{
    const struct password_file *file = rules_of(authority, check->listener)->passwords;
    struct bytes name = hash_check_user(check);
    const struct password_user *user;

    if (!file)
        return refused(MQTT_SERVER_BUSY, "the rules have changed; it may try again");
    user = password_file_find(file, name);
    if (user && check->known && memcmp(user->hash.hash, check->hash.hash, PASSWORD_HASH_MIN) == 0)
        return judge_login(authority, name, check->listener, user, check->result);
    return judge_login(authority, name, check->listener, NULL, 0);
}

bool authority_next(const struct authority *authority, struct access_ticket *ticket,
        struct access_verdict *verdict)
{
    struct hash_check *check = hash_desk_take(authority->desk);

    if (!check)
        return false;
    *ticket = check->ticket;
    *verdict = judge_check(authority, check);
    hash_check_free(authority->memory, check);
    return true;
}

static struct access_verdict admit(void *context, const struct access_arrival *arrival)
{
    const struct authority *authority = context;
    uint16_t listener = arrival->listener->number;
    const struct rules *rules = rules_of(authority, listener);
    struct bytes user = arrival->connect->user_name;

    if (rules->user_name_proved)
        return admitted(authority, user, listener, NULL);
    if (rules->passwords && user.size > 0)
        return check_password(authority, arrival, rules->passwords);
    if (rules->allow_anonymous)
        return admitted(authority, user, listener, NULL);
    return refused(MQTT_NOT_AUTHORIZED,
            rules->passwords
                    ? "it gives no user name (allow_anonymous)"
                    : "its listener lets nobody in whom it does not know (allow_anonymous)");
}

static void forget(void *context, void *identity)
{
    const struct authority *authority = context;

    memory_give(authority->memory, identity,
            sizeof(struct identity) + ((struct identity *)identity)->user_size);
}

/* ---- Rights ---- */

static bool would_come_in(const struct rules *rules, const struct identity *identity)
{
    const struct password_user *user;

    if (rules->user_name_proved || identity->of_transport)
        return rules->user_name_proved && identity->of_transport;
    if (!rules->passwords || identity->user_size == 0)
        return rules->allow_anonymous;
    user = password_file_find(rules->passwords, user_of(identity));
    return user && identity->proved &&
            memcmp(user->hash.hash, identity->proof, PASSWORD_HASH_MIN) == 0;
}

static enum access_standing standing(void *context, void *identity)
{
    const struct authority *authority = context;
    const struct identity *who = identity;
    const struct rules *rules = rules_of(authority, who->listener);

    if (!would_come_in(rules, who))
        return ACCESS_WITHDRAWN;
    return rules->acl ? ACCESS_JUDGED : ACCESS_FREE;
}

static void tell_decision(const struct authority *authority, const struct acl_file *file,
        const struct access_request *request, const struct acl_decision *decision)
{
    static const char *const actions[] = {
        [ACCESS_PUBLISH] = "publish", [ACCESS_SUBSCRIBE] = "subscribe", [ACCESS_RECEIVE] = "receive"
    };

    journal_tell(authority->journal, EVENT_DEBUG, "access.denied",
            field_bytes("id", request->client_id), field_text("action", actions[request->action]),
            field_bytes("topic", request->topic), field_text("file", file->path),
            field_number("line", decision->line));
}

static bool allows(void *context, const struct access_request *request)
{
    const struct authority *authority = context;
    const struct identity *identity = request->identity;
    const struct rules *rules = rules_of(authority, identity->listener);
    const struct acl_who who = { user_of(identity), request->client_id };
    struct bytes topic = request->topic;
    struct bytes share;
    struct acl_decision decision;

    if (!rules->acl || (request->action == ACCESS_SUBSCRIBE && !rules->check_subscribe))
        return true;
    if (request->action == ACCESS_SUBSCRIBE)
        mqtt_share_split(request->topic, &share, &topic);
    decision = acl_file_judge(
            rules->acl, &who, request->action == ACCESS_PUBLISH ? ACL_WRITE : ACL_READ, topic);
    if (!decision.allowed)
        tell_decision(authority, rules->acl, request, &decision);
    return decision.allowed;
}

struct access authority_access(struct authority *authority)
{
    return (struct access){
        .admit = admit,
        .forget = forget,
        .allows = allows,
        .standing = standing,
        .context = authority,
    };
}
