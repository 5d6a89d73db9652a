/*
 * A server's cookie (RFC 9018 4): version, three reserved bytes, a time, and a
 * SipHash of these, the client's own cookie and its address. It must never be
 * good for another address, nor for ever.
 */
#include <endian.h>
#include <string.h>

#include "unpriv/dns/reader.h"

#include "cookie.h"

#define VERSION	  1
#define TIME_AT	  (DNS_COOKIE_CLIENT + 4)
#define HASH_AT	  (TIME_AT + 4)
#define HASHED	  HASH_AT /* bytes of the cookie itself */
#define OPT_LEN	  11 /* a bare OPT */
#define OPTION	  4 /* a bare option */
#define SHORTEST  (DNS_HEADER_LEN + 5 + OPT_LEN + OPTION + DNS_COOKIE_LEN)
#define COUNTS_AT 4

static void
make(uint8_t *, const struct siphash_key *, const struct netaddr *, uint32_t);
static bool
is_ours(const uint8_t *, const struct siphash_key *, const struct netaddr *);
static uint64_t
hash(const uint8_t *, const struct siphash_key *, const struct netaddr *);

bool
cookie_may_be(const uint8_t *msg, size_t len)
{
	struct dns_reader r;

	dns_reader_init(&r, msg, len);
	dns_read_skip(&r, COUNTS_AT);
	return len >= SHORTEST && dns_read_u16(&r) == 1 &&
	    dns_read_u16(&r) == 0 && dns_read_u16(&r) == 0 &&
	    dns_read_u16(&r) == 1;
}

enum cookie_proof
cookie_take(const struct cookie_secrets *secrets, struct dns_query *query,
    const struct netaddr *client, uint32_t now)
{
	enum cookie_proof proof = COOKIE_BAD;
	uint8_t *cookie = query->cookie;
	struct dns_reader r;
	bool fresh = false;
	int32_t age;

	if (!secrets->known || query->cookie_len == 0)
		return COOKIE_NONE;
	query->tell_cookie = true;
	if (query->cookie_len == DNS_COOKIE_CLIENT)
		proof = COOKIE_NEW;
	else if (query->cookie_len == DNS_COOKIE_LEN &&
	    cookie[DNS_COOKIE_CLIENT] == VERSION) {
		dns_reader_init(&r, cookie, DNS_COOKIE_LEN);
		dns_read_skip(&r, TIME_AT);
		/* RFC 1982: times wrap. */
		age = (int32_t)(now - dns_read_u32(&r));
		if (age > COOKIE_LIFE || age < -COOKIE_FUTURE)
			;
		else if (is_ours(cookie, &secrets->now, client)) {
			proof = COOKIE_GOOD;
			fresh = age <= COOKIE_RENEW;
		} else if (is_ours(cookie, &secrets->before, client))
			proof = COOKIE_GOOD;
	}
	if (!fresh)
		make(cookie, &secrets->now, client, now);
	return proof;
}

static void
make(uint8_t *cookie, const struct siphash_key *secret,
    const struct netaddr *client, uint32_t now)
{
	struct dns_writer w;
	uint64_t h;

	dns_writer_init(&w, cookie + DNS_COOKIE_CLIENT, DNS_COOKIE_SERVER);
	dns_write_u8(&w, VERSION);
	dns_write_zeroes(&w, 3);
	dns_write_u32(&w, now);
	h = htole64(hash(cookie, secret, client));
	dns_write_bytes(&w, &h, sizeof(h));
}

/* One comparison of 64 bits: its time tells nothing of where they differ. */
static bool
is_ours(const uint8_t *cookie, const struct siphash_key *secret,
    const struct netaddr *client)
{
	uint64_t h;

	memcpy(&h, cookie + HASH_AT, sizeof(h));
	return le64toh(h) == hash(cookie, secret, client);
}

/* The reserved bytes are hashed as they come (RFC 9018 4.2). */
static uint64_t
hash(const uint8_t *cookie, const struct siphash_key *secret,
    const struct netaddr *client)
{
	const size_t len = client->family == 4 ? 4 : 16;
	uint8_t in[HASHED + 16];

	memcpy(in, cookie, HASHED);
	memcpy(in + HASHED, client->bytes, len);
	return siphash(secret, in, HASHED + len);
}
