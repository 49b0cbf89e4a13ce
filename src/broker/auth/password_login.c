/* SPDX-License-Identifier: Apache-2.0 */
/* The authenticator password_file: names and passwords that a file has. */
#include "broker/auth/authenticator.h"

enum { CHEAP_ROUNDS = 200 }; /* Mosquitto 2.0's hashes have 101 */

static void tell_login(const struct authority *authority, const struct password_file *file,
        struct bytes name, const struct password_user *user, bool good)
{
    const char *result = good ? "good" : user ? "wrong_password" : "unknown_user";

    journal_tell(authority->journal, EVENT_DEBUG, "login.checked", field_bytes("user", name),
            field_text("file", file->lines.path), field_number("line", user ? user->line : 0),
            field_text("result", result));
}

/* What the check of a password, `result`, comes to for that user. */
static struct finding judge(const struct authority *authority, const struct password_file *file,
        const struct login *login, const struct password_user *user, int result)
{
    bool good = user && result > 0;
    struct proof proof;

    tell_login(authority, file, login->user, user, good);
    if (result < 0)
        return finding_busy("password_file: its password cannot be checked now");
    if (!good) /* One answer for both, so that nobody learns which names there are. */
        return finding_of(FINDING_WRONG, MQTT_NOT_AUTHORIZED,
                "password_file: it does not have that name with that password");
    proof = proof_by_password(&user->hash);
    return finding_good(identity_new(authority->memory, login->listener, login->user, &proof));
}

/* Cheap enough for a shard: a fraction of a millisecond. */
static bool is_cheap(const struct password_hash *hash)
{
    return hash->algorithm != PASSWORD_ARGON2ID && hash->rounds <= CHEAP_ROUNDS;
}

/* Hands the check to the threads. */
static struct finding check_later(const struct authority *authority, const struct login *login,
        const struct password_hash *hash, bool known)
{
    struct question *question = question_new(
            authority->memory, sizeof(struct hash_check), login, authority->desk, PROOF_PASSWORD);
    struct hash_check *check;

    if (!question)
        return finding_busy("password_file: no memory to check its password");
    check = container_of(question, struct hash_check, question);
    check->hash = *hash;
    check->known = known;
    check->suspect = authority->suspects &&
            authority->suspects(authority->failed_context, login->peer, login->listener);
    if (hashers_ask(authority->hashers, check))
        return finding_later();
    question_free(authority->memory, question);
    return finding_busy("password_file: too many passwords wait to be checked");
}

static struct finding ask(const struct authority *authority, const struct rules *rules,
        const struct login *login, bool last)
{
    const struct password_file *file = rules->passwords;
    const struct password_user *user = password_file_find(file, login->user);
    const struct password_hash *hash;

    if (login->user.size == 0 || (!user && !last))
        return finding_of(
                FINDING_UNKNOWN, MQTT_NOT_AUTHORIZED, "password_file: not one of its users");
    if (!login->has_password || file->count == 0)
        return judge(authority, file, login, user, 0);
    /* For a name that is not there another one's hash: it is to take as long. */
    hash = user ? &user->hash : &file->users[0].hash;
    if (authority->hashers && !is_cheap(hash))
        return check_later(authority, login, hash, user != NULL);
    return judge(authority, file, login, user, password_hash_matches(hash, login->password));
}

static struct finding hear(
        const struct authority *authority, const struct rules *rules, struct question *question)
{
    const struct hash_check *check = container_of(question, struct hash_check, question);
    const struct password_file *file = rules->passwords;
    const struct password_user *user = password_file_find(file, question->login.user);

    if (!user)
        return judge(authority, file, &question->login, NULL, 0);
    if (check->known && memcmp(user->hash.hash, check->hash.hash, PASSWORD_HASH_MIN) == 0)
        return judge(authority, file, &question->login, user, check->result);
    return finding_busy("password_file: its password has changed meanwhile; it may try again");
}

static bool stands(const struct rules *rules, const struct identity *identity)
{
    const struct password_user *user =
            password_file_find(rules->passwords, identity_user(identity));
    struct proof proof;

    if (!user)
        return false;
    proof = proof_by_password(&user->hash);
    return identity_has_proof(identity, &proof);
}

const struct authenticator password_login = { ask, hear, stands };
