/*
 * The cache of answers. It must never answer what was not asked: the key holds
 * all that an answer depends on, and what the memory holds otherwise can only
 * make a client's answer wrong, which its sharers can do anyway.
 */
#include "dotproxy/counter.h"

#include "answers.h"

#define SECOND 1000
#define AGEING 10 /* the last tenth of its time */
/* Of an entry's uses, so many may be of its life before. */
#define LEFT_BY_PUT 1
#define IS_FAILED   0xff /* behind a key: of what is known of its failures */
/* How often in a row is in the lower byte of a failure's tag, the config it
 * was under in the others. */
#define TIMES 0xff

_Static_assert(ANSWERS_KEY_MAX <= CACHE_KEY_MAX, "room for a failure's key");

static void
key_of(struct answers_key *, const struct answers *, const struct dns_query *);
static void key_of_failure(
    struct answers_key *, const struct answers *, const struct answers_key *);
static bool has_failed(const struct answers *, const struct settings *,
    const struct answers_key *, uint64_t, struct cache_hit *);
static void put_failure(struct answers *, const struct settings *,
    const struct dns_query *, const uint8_t *, size_t, uint64_t);
static void forget(struct answers *, const struct answers_key *);
static bool get(const struct answers *, const struct answers_key *, uint64_t,
    struct cache_hit *);
static uint64_t end_of(const struct settings *, const struct cache_hit *);
static bool
is_usable(const struct settings *, const struct cache_hit *, uint64_t);
static bool is_on(const struct settings *, const struct cache_hit *, uint64_t);
static uint32_t age_of(const struct cache_hit *, uint64_t);
static void put(struct answers *, const struct answers_key *, const uint8_t *,
    size_t, uint32_t, uint32_t, uint64_t);

/* A copy of what the cache holds, and what it is to hold. */
static uint8_t stored[CACHE_PAYLOAD_MAX], payload[CACHE_PAYLOAD_MAX];

void
answers_ahead(const struct answers *answers, const struct dns_query *query,
    struct answers_key *key)
{
	if (!answers->on)
		return;
	key_of(key, answers, query);
	cache_prefetch(&answers->cache, key->hash);
}

void
answers_near(const struct answers *answers, const struct answers_key *key)
{
	if (answers->on)
		cache_prefetch_entry(&answers->cache, key->hash);
}

enum answers_found
answers_look(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, const struct answers_key *key,
    const struct dns_reply *how, uint64_t now, uint8_t *buf, size_t cap,
    size_t *len)
{
	const struct dns_ede failed = { DNS_EDE_CACHED_ERROR, 0, NULL };
	struct dns_stored_now then = { 0, 0, NULL };
	struct cache_hit hit;
	size_t told;
	bool found;

	if (!answers->on)
		return ANSWERS_NONE;
	found = get(answers, key, now, &hit);
	if (found && now < end_of(settings, &hit)) {
		then.age = age_of(&hit, now);
		*len = dns_stored_tell(
		    buf, cap, stored, hit.len, &then, query, how);
		if (*len != 0) {
			counter_inc(cache_hits);
			if ((hit.expires - now) * AGEING <
				hit.expires - hit.stored &&
			    hit.uses > LEFT_BY_PUT &&
			    cache_claim(&answers->cache, key->hash, key->bytes,
				key->len, now, 5 * SECOND))
				return ANSWERS_AGEING;
			return ANSWERS_FRESH;
		}
		found = false;
	}
	counter_inc(cache_misses);
	found = found && is_usable(settings, &hit, now);
	if (!has_failed(answers, settings, key, now, &hit))
		return found ? ANSWERS_STALE : ANSWERS_NONE;
	/* What was true before, else what the upstream said, if anything. */
	then = (struct dns_stored_now){ 0, 0, &failed };
	*len = 0;
	if (hit.len != 0)
		*len = dns_stored_tell(
		    buf, cap, stored, hit.len, &then, query, how);
	if (found &&
	    (told = answers_tell_stale(
		 answers, settings, query, how, now, buf, cap)) != 0)
		*len = told;
	return ANSWERS_FAILED;
}

size_t
answers_tell_stale(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, const struct dns_reply *how, uint64_t now,
    uint8_t *buf, size_t cap)
{
	const struct dns_ede ede = { DNS_EDE_STALE, 0, NULL };
	struct dns_stored_now then = { 0, ANSWERS_STALE_TTL, &ede };
	struct cache_hit hit;
	struct answers_key key;
	size_t len;

	if (!answers->on)
		return 0;
	key_of(&key, answers, query);
	if (!get(answers, &key, now, &hit) || !is_usable(settings, &hit, now))
		return 0;
	/* Another question may have brought a new one meanwhile. */
	if (now < end_of(settings, &hit))
		then = (struct dns_stored_now){ age_of(&hit, now), 0, NULL };
	len = dns_stored_tell(buf, cap, stored, hit.len, &then, query, how);
	if (len != 0 && then.ede != NULL)
		counter_inc(cache_stale);
	return len;
}

void
answers_keep(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, const uint8_t *msg,
    const struct dns_answer *answer, uint64_t now)
{
	struct dns_ttl_limits limits = { settings->ttl_min, settings->ttl_max,
		settings->ttl_negative, 1 };
	struct dns_storable storable;
	struct answers_key key, failure;
	size_t len;

	if (!answers->on)
		return;
	dns_storable(&storable, msg, answer, &query->question, &limits);
	len =
	    dns_stored_write(payload, sizeof(payload), msg, answer, &storable);
	if (storable.kind == DNS_FAILURE) {
		put_failure(answers, settings, query, payload, len, now);
		return;
	}
	key_of(&key, answers, query);
	key_of_failure(&failure, answers, &key);
	forget(answers, &failure);
	if (storable.kind != DNS_NOT_STORABLE && len != 0)
		put(answers, &key, payload, len, storable.ttl, 0, now);
	else if ((answer->flags & DNS_TC) == 0)
		/* It is news all the same (RFC 8767 4): what was true before
		 * is not to be told any more, not even as stale. */
		forget(answers, &key);
}

void
answers_keep_failure(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, uint64_t now)
{
	if (answers->on)
		put_failure(answers, settings, query, NULL, 0, now);
}

static void
put_failure(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, const uint8_t *said, size_t len,
    uint64_t now)
{
	uint32_t times = 0, ttl;
	struct cache_hit hit;
	struct answers_key key, failure;

	key_of(&key, answers, query);
	key_of_failure(&failure, answers, &key);
	if (get(answers, &failure, now, &hit) &&
	    hit.tag >> 8 == (settings->generation & (UINT32_MAX >> 8)) &&
	    now < hit.expires + (uint64_t)ANSWERS_FAILURE_MAX * SECOND) {
		/* One failure that many waited for is one. */
		if (is_on(settings, &hit, now))
			return;
		times = hit.tag & TIMES;
	}
	ttl = times < 6 ? 1u << times : ANSWERS_FAILURE_MAX;
	if (times < TIMES)
		times++;
	put(answers, &failure, said, len, ttl,
	    settings->generation << 8 | times, now);
}

static void
key_of(struct answers_key *key, const struct answers *answers,
    const struct dns_query *query)
{
	key->len = dns_stored_key(key->bytes, sizeof(key->bytes),
	    &query->question, dns_query_ask(query));
	key->hash = cache_hash(&answers->cache, key->bytes, key->len);
}

static void
key_of_failure(struct answers_key *failure, const struct answers *answers,
    const struct answers_key *key)
{
	*failure = *key;
	failure->bytes[failure->len++] = IS_FAILED;
	failure->hash =
	    cache_hash(&answers->cache, failure->bytes, failure->len);
}

static bool
has_failed(const struct answers *answers, const struct settings *settings,
    const struct answers_key *key, uint64_t now, struct cache_hit *hit)
{
	struct answers_key failure;

	key_of_failure(&failure, answers, key);
	return get(answers, &failure, now, hit) && is_on(settings, hit, now);
}

static void
forget(struct answers *answers, const struct answers_key *key)
{
	struct cache_hit hit;

	/* Only a drop needs the shard's lock, and most never failed. */
	if (cache_get(
		&answers->cache, key->hash, key->bytes, key->len, stored, &hit))
		cache_drop(&answers->cache, key->hash, key->bytes, key->len);
}

/* Into stored, and no entry of a time to come, which would never be old: only
 * who is broken into writes such. */
static bool
get(const struct answers *answers, const struct answers_key *key, uint64_t now,
    struct cache_hit *hit)
{
	return cache_get(&answers->cache, key->hash, key->bytes, key->len,
		   stored, hit) &&
	    hit->stored <= now + SECOND;
}

/* Never longer than ttl max, whoever wrote it there. */
static uint64_t
end_of(const struct settings *settings, const struct cache_hit *hit)
{
	const uint64_t most =
	    hit->stored + (uint64_t)settings->ttl_max * SECOND;

	return hit->expires < most ? hit->expires : most;
}

static bool
is_usable(
    const struct settings *settings, const struct cache_hit *hit, uint64_t now)
{
	return settings->stale != 0 &&
	    now < end_of(settings, hit) + (uint64_t)settings->stale * SECOND;
}

/* A failure: under this config, and no longer than one is kept. */
static bool
is_on(
    const struct settings *settings, const struct cache_hit *hit, uint64_t now)
{
	return hit->tag >> 8 == (settings->generation & (UINT32_MAX >> 8)) &&
	    now < hit->expires && age_of(hit, now) < ANSWERS_FAILURE_MAX;
}

/* Another worker's clock may have been read a moment after ours. */
static uint32_t
age_of(const struct cache_hit *hit, uint64_t now)
{
	return now > hit->stored ? (uint32_t)((now - hit->stored) / SECOND) : 0;
}

static void
put(struct answers *answers, const struct answers_key *key,
    const uint8_t *bytes, size_t len, uint32_t ttl, uint32_t tag, uint64_t now)
{
	if (!cache_put(&answers->cache, key->hash, key->bytes, key->len, bytes,
		len, now, now + (uint64_t)ttl * SECOND, tag, now))
		counter_inc(cache_not_kept);
}
