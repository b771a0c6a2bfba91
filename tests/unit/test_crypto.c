// Expected values come from elsewhere: RFC 8032 section 7.1; python3's
// hashlib.blake2b (person=, key=) and hashlib.sha512; signatures and the X25519
// key from a python transcription of the formulas of RFC 8032 section 5.1 and
// RFC 7748 section 5.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "lib/crypto.h"
#include "tests/unit/hostile.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// RFC 8032 section 7.1, test 1.
static const char rfc_seed[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char rfc_public[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

static secret_t *rfc_secret(pubkey_t *public_key)
{
    uint8_t seed[32];
    assert_true(hex_parse(rfc_seed, seed, sizeof seed));
    return secret_sign_new(seed, public_key);
}

// blake2b(b"abc", digest_size=32, person=b"enlace-...")
static void hashes_are_personalised(void **state)
{
    (void)state;
    static const struct {
        hash_use_t use;
        const char *hex;
    } cases[] = {
        {HASH_COMMIT, "a90a6c802f106606818d34159a47b2eecc17c7c73a8500b6eafd2d341f752371"},
        {HASH_ROSTER, "f83d1868386b0423d788da4078e7249c792a1b0759135439f00a877ca0013459"},
        {HASH_CARD, "3280d9f818d092d60d3befb9c0313736b756fab80696bb4220edbb80c07acc58"},
        {HASH_VIEW, "10fe658b5a20e79180e730e48e396c2c4866f7d6a6b9860a3cb53ee4292c21d3"},
        {HASH_PAYLOAD, "9f3039c929e4106ba06039bc9145ee7cca25eaad731162f8ecd50cd13ce287af"},
        {HASH_SESSION, "1655ffef141adb2a39a5231ec940aeae25f1224c54606566aa4a14c92c0bacbd"},
        {HASH_WORDS, "1967bc81857a145a08a16c40a72de4128efb760f981f1db0d74db9cf40737f83"},
        {HASH_DERIVE, "7e272982d318732cdb84bc10b0d78ab76ffbfdb5d893e87cb3a42664de89c995"},
        {HASH_BEACON, "5a09928769951c6611e44cb23ae35c94a37a832eca954d47196f1a32f3cfb438"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hash_t hash = crypto_hash_of(cases[i].use, span_text("abc"));
        expect_hex(cases[i].hex, hash.bytes, sizeof hash.bytes);
    }
}

// blake2b(body, digest_size=32, key=bytes(range(16)), person=b"enlace-payload")
static void commitments_are_keyed_by_the_salt(void **state)
{
    (void)state;
    uint8_t salt[SALT_SIZE];
    for (uint8_t i = 0; i < SALT_SIZE; i++)
        salt[i] = i;
    hash_t hash = crypto_commitment(salt, span_text("abc"));
    expect_hex("7fb9bf57a328a58db3b5c4b9aaa0e328c09cda5aecc5fcc7603a3c048955798a", hash.bytes, 32);
    hash = crypto_commitment(salt, span_of(NULL, 0));
    expect_hex("662a4c90691603b28a0c56b17d26d76ba6135890d0bd3b24725fe4d53520ad42", hash.bytes, 32);
}

// Blocks 0 and 1 of blake2b(index LE8 + block LE8, digest_size=64,
// key=bytes(range(32)), person=b"enlace-derive")
static void derived_bytes(void **state)
{
    (void)state;
    uint8_t seed[32];
    uint8_t bytes[80];
    uint8_t short_one[16];
    uint8_t other[16];
    for (uint8_t i = 0; i < 32; i++)
        seed[i] = i;
    crypto_derive(seed, 5, bytes, sizeof bytes);
    expect_hex(
        "bdcd107ffa5f76e77e9d3f168d65c3204fc3994067fc992cf47a324ebb0c2041191458bf3170574fbc8f"
        "17e2772f35e009b1596de8450f1a4df9a830049e59d95b9cc403c56d471b546c1324baaef289",
        bytes, sizeof bytes);
    crypto_derive(seed, 5, short_one, sizeof short_one);
    crypto_derive(seed, 6, other, sizeof other);
    assert_memory_equal(short_one, bytes, sizeof short_one);
    assert_memory_not_equal(short_one, other, sizeof other);
}

// vectors_sip128 of the authors' reference code (github.com/veorq/SipHash): key 00 to 0f,
// input 00, 01, 02 ...
static void fingerprints_are_siphash(void **state)
{
    (void)state;
    uint8_t key[FINGERPRINT_KEY_SIZE];
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    fingerprint_t print = crypto_fingerprint(key, span_of(NULL, 0));
    expect_hex("a3817f04ba25a8e66df67214c7550293", print.bytes, sizeof print.bytes);
    print = crypto_fingerprint(key, span_of(key, 1));
    expect_hex("da87c1d86b99af44347659119b22fc45", print.bytes, sizeof print.bytes);
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void signing_key_and_origin(void **state)
{
    (void)state;
    pubkey_t public_key;
    secret_t *secret = rfc_secret(&public_key);
    expect_hex(rfc_public, public_key.bytes, sizeof public_key.bytes);
    origin_t origin = crypto_origin(&public_key); // blake2b(public, digest_size=16)
    expect_hex("d7108b422f25cc5edb865cc4ae184f55", origin.bytes, sizeof origin.bytes);
    secret_destroy(&secret);
    assert_null(secret);
    secret_destroy(&secret);
}

// sha512(seed)[:32] and its product with the base point: and what CURVE makes of
// the secret key is the same public key.
static void box_key(void **state)
{
    (void)state;
    uint8_t seed[32];
    uint8_t curve[32];
    pubkey_t public_key;
    for (uint8_t i = 0; i < 32; i++)
        seed[i] = i;
    secret_t *secret = secret_box_new(seed, &public_key);
    expect_hex("3d94eea49c580aef816935762be049559d6d1440dede12e6a125f1841fff8e6f",
               secret_bytes(secret), 32);
    expect_hex("4701d08488451f545a409fb58ae3e58581ca40ac3f7f114698cd71deac73ca01", public_key.bytes,
               32);
    assert_int_equal(crypto_scalarmult_base(curve, secret_bytes(secret)), 0);
    assert_memory_equal(curve, public_key.bytes, 32);
    secret_destroy(&secret);
}

// Ed25519 over "enlace v1 USE\0" ‖ 32 bytes c0 ‖ 32 bytes ab, and without the c0.
static void signatures(void **state)
{
    (void)state;
    static const struct {
        sign_use_t use;
        bool coalition;
        const char *hex;
    } cases[] = {
        {SIGN_COMMIT, true,
         "fc35ae6382360a3fff426ed59247a38d46e381b0d5e17222178276a03b1db934697e123c12c98ce6fabba61fb"
         "3"
         "eed188494290f2a838232ed984873444866a02"},
        {SIGN_BEACON, true,
         "db9dfc97c98d63ab5621e45e024461f9df96edd6d96fd2ff80db0a30fc68e3116d90e03a8512febd208d46ceb"
         "f"
         "c8a7c67b2a882e7ea472eababe4b6c0565e103"},
        {SIGN_ROSTER, true,
         "b7fe9397384d05bee636ab8291fa1d046881bf6b59b2efde7ae54aa07692d0a82958e2671252ef4e15f3462ad"
         "8"
         "0095a7d6fabf20b8d0a7c76db06e50e2dcae03"},
        {SIGN_CHARTER, false,
         "b061dbf92dc82cd4708ca4314ee83abf1a550f92100388e3b78114544f289d73662de02ebc7c42e5a43c97433"
         "2"
         "548ea7f947b4a8765bb7876bd867747dccb60b"},
        {SIGN_CARD, false,
         "753e7226713ef2ab3557f2f888e52ae2c4348f160fe7e5f8bf7133925f1f264ab400e034a21c3450dc828e11a"
         "6"
         "33ec0f0c3c12fb0a214509b2c85cc373564e06"},
    };
    pubkey_t public_key;
    hash_t coalition;
    hash_t hash;
    secret_t *secret = rfc_secret(&public_key);
    memset(coalition.bytes, 0xc0, sizeof coalition.bytes);
    memset(hash.bytes, 0xab, sizeof hash.bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hash_t *in = cases[i].coalition ? &coalition : NULL;
        signature_t signature = crypto_sign_hash(secret, cases[i].use, in, &hash);
        expect_hex(cases[i].hex, signature.bytes, sizeof signature.bytes);
        assert_true(crypto_verify_hash(&public_key, cases[i].use, in, &hash, &signature));
    }
    secret_destroy(&secret);
}

static void a_signature_holds_for_one_thing(void **state)
{
    (void)state;
    pubkey_t public_key;
    secret_t *secret = rfc_secret(&public_key);
    hash_t coalition = {{1}};
    hash_t hash = {{2}};
    hash_t other = {{3}};
    pubkey_t other_key = public_key;
    other_key.bytes[5] ^= 1;
    signature_t good = crypto_sign_hash(secret, SIGN_COMMIT, &coalition, &hash);
    assert_true(crypto_verify_hash(&public_key, SIGN_COMMIT, &coalition, &hash, &good));
    assert_false(crypto_verify_hash(&public_key, SIGN_BEACON, &coalition, &hash, &good));
    assert_false(crypto_verify_hash(&public_key, SIGN_COMMIT, &other, &hash, &good));
    assert_false(crypto_verify_hash(&public_key, SIGN_COMMIT, NULL, &hash, &good));
    assert_false(crypto_verify_hash(&public_key, SIGN_COMMIT, &coalition, &other, &good));
    assert_false(crypto_verify_hash(&other_key, SIGN_COMMIT, &coalition, &hash, &good));
    for (size_t bit = 0; bit < 8 * sizeof good.bytes; bit++) {
        signature_t bad = good;
        bad.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(crypto_verify_hash(&public_key, SIGN_COMMIT, &coalition, &hash, &bad));
    }
    secret_destroy(&secret);
}

// Under the key of order 1, S = 0 and R = the neutral element would hold for any message.
static void small_order_keys_sign_nothing(void **state)
{
    (void)state;
    pubkey_t neutral = {{1}};
    signature_t signature = {{1}};
    hash_t hash = {{9}};
    assert_false(crypto_verify_hash(&neutral, SIGN_CARD, NULL, &hash, &signature));
}

static void digests_add_modulo_2_256(void **state)
{
    (void)state;
    hash_t sum = {{0xff, 0xff, 0x01}};
    hash_t one = {{1}};
    digest_add(&sum, &one); // little-endian: 01ffff + 1 = 020000
    expect_hex("0000020000000000000000000000000000000000000000000000000000000000", sum.bytes, 32);
    digest_subtract(&sum, &one);
    expect_hex("ffff010000000000000000000000000000000000000000000000000000000000", sum.bytes, 32);
    memset(sum.bytes, 0xff, sizeof sum.bytes);
    digest_add(&sum, &one);
    expect_hex("0000000000000000000000000000000000000000000000000000000000000000", sum.bytes, 32);
    digest_subtract(&sum, &one);
    expect_hex("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", sum.bytes, 32);
}

// blake2b(bytes(range(16)) + 1 LE4 + 1 LE4 + 42 LE8 + 2 LE4 + 3 LE4 + 2**40 LE8 +
// 32 bytes 77 + 02, digest_size=32, person=b"enlace-view")
static void digest_terms(void **state)
{
    (void)state;
    origin_t origin;
    hash_t commitment;
    for (uint8_t i = 0; i < ORIGIN_SIZE; i++)
        origin.bytes[i] = i;
    memset(commitment.bytes, 0x77, sizeof commitment.bytes);
    hash_t term = digest_term(&origin, (position_t){1, 1, 42},
                              (position_t){2, 3, (uint64_t)1 << 40}, &commitment, 2);
    expect_hex("940997e32164f01369941b0a9721dfb229be0ad94d898554454c7baa07734fbc", term.bytes, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_personalised),
        cmocka_unit_test(commitments_are_keyed_by_the_salt),
        cmocka_unit_test(derived_bytes),
        cmocka_unit_test(fingerprints_are_siphash),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(signing_key_and_origin),
        cmocka_unit_test(box_key),
        cmocka_unit_test(signatures),
        cmocka_unit_test(a_signature_holds_for_one_thing),
        cmocka_unit_test(small_order_keys_sign_nothing),
        cmocka_unit_test(digests_add_modulo_2_256),
        cmocka_unit_test(digest_terms),
    };
    return cmocka_run_group_tests_name("crypto", tests, start, NULL);
}
