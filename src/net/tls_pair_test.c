/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_pair.h"

#include "tests/harness/test.h"
#include "tests/harness/tls_fixture.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { NAMED = 3 };

/* Besides the server's own certificate three others, of these names. */
struct named {
    struct fixture f;
    struct identity identities[NAMED];
    struct identity_files files[NAMED];
    struct tls_pair pairs[NAMED];
};

static void named_open(struct named *n)
{
    static const char *const names[NAMED] = { "DNS:a.example", "DNS:b.example, DNS:c.example",
        "DNS:*.lamps.example" };

    fixture_open(&n->f);
    for (size_t i = 0; i < NAMED; i++) {
        char name[8];

        snprintf(name, sizeof(name), "%zu", i);
        identity_init(&n->identities[i], name, &n->f.certificates.authority);
        identity_extend(
                &n->identities[i], NID_subject_alt_name, names[i], &n->f.certificates.authority);
        certificates_write(&n->f.certificates, &n->files[i], name, &n->identities[i]);
        n->pairs[i] = (struct tls_pair){ n->files[i].certificate, n->files[i].key };
    }
    n->f.options.named = n->pairs;
    n->f.options.named_count = NAMED;
}

static void named_close(struct named *n)
{
    for (size_t i = 0; i < NAMED; i++)
        identity_deinit(&n->identities[i]);
    fixture_close(&n->f);
}

/* Which certificate a client is shown that asks for a name (NULL: for none): its common name. */
static void expect_shown(struct named *n, const char *name, int version, const char *wanted)
{
    char shown[64] = "";
    X509 *certificate;

    n->f.client_version_max = version;
    begin(&n->f);
    if (name)
        SSL_ctrl(n->f.client, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                (void *)(uintptr_t)name);
    assert_int_equal(shake_hands(&n->f), 0);
    certificate = SSL_get0_peer_certificate(n->f.client);
    X509_NAME_get_text_by_NID(
            X509_get_subject_name(certificate), NID_commonName, shown, sizeof(shown));
    assert_string_equal(shown, wanted);
    end_connection(&n->f);
}

TEST(a_client_is_shown_the_certificate_for_the_name_it_asks_for)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct named n = { 0 };

    named_open(&n);
    for (size_t i = 0; i < 2; i++) {
        expect_shown(&n, "a.example", versions[i], "0");
        expect_shown(&n, "A.EXAMPLE", versions[i], "0");
        expect_shown(&n, "b.example", versions[i], "1");
        expect_shown(&n, "c.example", versions[i], "1");
        expect_shown(&n, "one.lamps.example", versions[i], "2");
        expect_shown(&n, "two.one.lamps.example", versions[i], "localhost");
        expect_shown(&n, "lamps.example", versions[i], "localhost");
        expect_shown(&n, NULL, versions[i], "localhost");
    }
    n.f.client = NULL;
    named_close(&n);
}

/* The client prefers the kind of key that the server's own certificate has. */
TEST(a_key_of_another_kind_does_not_keep_the_own_certificate_in_use)
{
    struct named n = { 0 };

    named_open(&n);
    EVP_PKEY_free(n.identities[0].key);
    n.identities[0].key = EVP_RSA_gen(2048);
    X509_set_pubkey(n.identities[0].certificate, n.identities[0].key);
    X509_sign(n.identities[0].certificate, n.f.certificates.authority.key, EVP_sha256());
    certificates_write(&n.f.certificates, &n.files[0], "0", &n.identities[0]);
    expect_shown(&n, "a.example", TLS1_2_VERSION, "0");
    expect_shown(&n, "a.example", TLS1_3_VERSION, "0");
    n.f.client = NULL;
    named_close(&n);
}

static void refuse(struct named *n, int result, const char *told)
{
    char failure[FAILURE_SIZE] = "";

    assert_int_equal(tls_server_new(&n->f.server, &n->f.options, failure), result);
    if (!strstr(failure, told))
        fail_msg("told: %s", failure);
}

TEST(a_further_pair_that_cannot_be_used_is_named)
{
    struct tls_pair many[TLS_PAIRS_MAX + 1];
    struct named n = { 0 };

    named_open(&n);
    n.pairs[1].key_file = "/nowhere/k.pem";
    refuse(&n, -ENOENT, "cannot read the key file /nowhere/k.pem");
    n.pairs[1].key_file = n.files[2].key;
    refuse(&n, -EINVAL, n.files[1].certificate);
    n.pairs[1].key_file = n.files[1].key;
    n.pairs[2] = n.f.options.pair;
    refuse(&n, -EINVAL, "has no DNS name");
    for (size_t i = 0; i < TLS_PAIRS_MAX + 1; i++)
        many[i] = n.pairs[0];
    n.f.options.named = many;
    n.f.options.named_count = TLS_PAIRS_MAX + 1;
    refuse(&n, -E2BIG, "more than 32 further certificates");
    named_close(&n);
}
