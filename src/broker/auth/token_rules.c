/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/token_rules.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* False when memory is short. */
static bool make_proof(
        const struct config_jwt *wanted, const struct token_key *key, struct proof *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE];
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
            EVP_DigestUpdate(context, key->print, sizeof(key->print)) == 1 &&
            EVP_DigestUpdate(context, wanted->issuer, sizeof(wanted->issuer)) == 1 &&
            EVP_DigestUpdate(context, wanted->audience, sizeof(wanted->audience)) == 1 &&
            EVP_DigestFinal_ex(context, digest, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (!good)
        return false;
    out->kind = PROOF_TOKEN;
    memcpy(out->mark, digest, sizeof(out->mark));
    return true;
}

int token_rules_read(struct token_rules **out, const struct config_jwt *wanted,
        const struct source *source, struct report *report)
{
    struct token_rules *rules = calloc(1, sizeof(*rules));
    int result;

    if (!rules)
        return -ENOMEM;
    rules->wanted = *wanted;
    result = token_keys_read(&rules->keys, wanted->file, source, report);
    for (size_t i = 0; result == 0 && i < rules->keys->count; i++) {
        if (!make_proof(wanted, &rules->keys->keys[i], &rules->proofs[i]))
            result = -ENOMEM;
    }
    if (result == 0)
        *out = rules;
    else
        token_rules_free(rules);
    return result;
}

void token_rules_free(struct token_rules *rules)
{
    if (!rules)
        return;
    token_keys_free(rules->keys);
    free(rules);
}
