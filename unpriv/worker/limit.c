/*
 * The limit of a client; see limit.h. It must cost less than receiving what it
 * drops: one hash, two cache lines, no division but for who is over.
 */
#include <endian.h>
#include <string.h>

#include "limit.h"

#define WINDOW_MS 10000
#define V4_SHIFT  32
#define GOLDEN	  0x9e3779b97f4a7c15ULL

struct address {
	uint64_t high, low;
};

static void set_family(struct limit_family *, uint8_t, uint8_t);
static struct address address_of(const struct netaddr *);
static bool is_exempt(const struct limit_family *, const struct address *);
static uint64_t link_of(const struct netaddr *);
static uint64_t deep_hash(const struct limit *, uint64_t, uint64_t, uint64_t);
static struct address mask_of(uint32_t);
static struct limit_entry *
set_of(const struct limit *, const struct limit_key *, int);
static void turn_window(struct limit *, uint64_t);
static enum limit_verdict
over(struct limit *, struct limit_entry *, struct limit_entry *, bool);
static bool leaks(struct limit *);

void
limit_init(struct limit *l, const struct conf_limit *conf, void *memory,
    const struct siphash_key *key)
{
	struct limit_entry *entry = memory;

	memset(l, 0, sizeof(*l));
	l->sets = conf->memory / 2 /
	    (uint32_t)(LIMIT_WAYS * sizeof(struct limit_entry));
	l->family[0].entry = entry;
	l->family[1].entry = entry + (size_t)l->sets * LIMIT_WAYS;
	l->family[0].kind = (uint64_t)4 << 48;
	l->family[1].kind = (uint64_t)6 << 48;
	l->key = *key;
	/* Of 8 bytes: no client's prefix is hashed as that. */
	l->salt = siphash(key, "the salt", 8) | 1;
	limit_set_window(l, WINDOW_MS);
	limit_set(l, conf);
}

void
limit_set(struct limit *l, const struct conf_limit *conf)
{
	l->off = conf->rate == 0;
	limit_set_bucket(&l->bucket[LIMIT_CLIENT], conf->rate, conf->burst);
	limit_set_bucket(&l->bucket[LIMIT_PREFIX], conf->rate * LIMIT_WIDER,
	    conf->burst * LIMIT_WIDER);
	l->slip = conf->slip;
	set_family(&l->family[0], (uint8_t)conf->prefix + V4_SHIFT,
	    LIMIT_WIDE + V4_SHIFT);
	set_family(&l->family[1], (uint8_t)conf->prefix6, LIMIT_WIDE6);
}

static void
set_family(struct limit_family *f, uint8_t bits, uint8_t wide)
{
	const struct address mask = mask_of(bits);

	if (wide > bits)
		wide = bits;
	f->wide_shift = 64 - wide;
	f->high_mask = mask.high & UINT64_MAX >> wide;
	f->low_mask = mask.low;
	f->deep = bits > 64;
}

void
limit_set_window(struct limit *l, uint32_t ms)
{
	int i;

	l->window_ms = ms;
	for (i = 0; i < LIMIT_BUCKETS; i++)
		l->bucket[i].window_ms = ms;
}

void
limit_exempt(struct limit *l, const struct netaddr *prefix, size_t n)
{
	struct limit_family *f;
	struct address at, mask;
	size_t i;
	bool six;

	l->family[0].nexempt = l->family[1].nexempt = 0;
	for (i = 0; i < n && i < CONF_LIMIT_EXEMPT_MAX; i++) {
		six = prefix[i].family == 6;
		f = &l->family[six];
		at = address_of(&prefix[i]);
		mask = mask_of(prefix[i].bits + (six ? 0 : V4_SHIFT));
		f->exempt[f->nexempt++] =
		    (struct limit_prefix){ at.high & mask.high,
			    at.low & mask.low, mask.high, mask.low };
	}
}

/*
 * The wider prefix's hash is a secret, so the few bits that a client's prefix
 * has beyond it need no second SipHash: they are folded in by a product with
 * another secret. Nobody chooses more than 16 bits that way, but where a
 * client's prefix is very long.
 */
void
limit_find(const struct limit *l, const struct netaddr *client, bool proven,
    struct limit_key *key)
{
	const struct address at = address_of(client);
	const struct limit_family *f = &l->family[client->family == 6];
	const bool local = netaddr_is_link_local(client);
	__extension__ unsigned __int128 product;
	uint64_t hash;

	key->six = client->family == 6;
	key->proven = proven;
	key->exempt = is_exempt(f, &at);
	if (key->exempt)
		return;
	hash = siphash_7(&l->key,
	    f->kind | (uint64_t)proven << 55 |
		(local ? link_of(client) : at.high >> f->wide_shift));
	key->set[LIMIT_PREFIX] = limit_set_of(hash, l->sets);
	key->tag[LIMIT_PREFIX] = limit_tag_of(hash);
	__builtin_prefetch(set_of(l, key, LIMIT_PREFIX), 1);
	if (local)
		hash = deep_hash(l, hash, at.high, at.low);
	else if (f->deep)
		hash = deep_hash(
		    l, hash, at.high & f->high_mask, at.low & f->low_mask);
	else {
		product = hash + ((at.high & f->high_mask) + 1) * GOLDEN;
		product *= l->salt;
		hash = (uint64_t)(product >> 64) ^ (uint64_t)product;
	}
	key->set[LIMIT_CLIENT] = limit_set_of(hash, l->sets);
	key->tag[LIMIT_CLIENT] = limit_tag_of(hash);
	__builtin_prefetch(set_of(l, key, LIMIT_CLIENT), 1);
}

/* IPv4 fills the lower half of the high word, as if V4_SHIFT bits came
 * first. */
static inline struct address
address_of(const struct netaddr *a)
{
	struct address at = { 0, 0 };
	uint32_t v4;

	if (a->family == 4) {
		memcpy(&v4, a->bytes, sizeof(v4));
		at.high = be32toh(v4);
		return at;
	}
	memcpy(&at.high, a->bytes, sizeof(at.high));
	memcpy(&at.low, a->bytes + 8, sizeof(at.low));
	at.high = be64toh(at.high);
	at.low = be64toh(at.low);
	return at;
}

static bool
is_exempt(const struct limit_family *f, const struct address *at)
{
	const struct limit_prefix *p = f->exempt, *end = p + f->nexempt;

	for (; p < end; p++)
		if ((at->high & p->high_mask) == p->high &&
		    (at->low & p->low_mask) == p->low)
			return true;
	return false;
}

/* Where others have their wider prefix: all on one link. What such a prefix may
 * be, of 48 bits, no other is. */
static uint64_t
link_of(const struct netaddr *a)
{
	return 0xfe80ULL << 32 | a->scope;
}

static uint64_t
deep_hash(const struct limit *l, uint64_t hash, uint64_t high, uint64_t low)
{
	const uint64_t whole[3] = { hash, high, low };

	return siphash(&l->key, whole, sizeof(whole));
}

static struct address
mask_of(uint32_t bits)
{
	struct address mask = { UINT64_MAX, 0 };

	if (bits < 64)
		mask.high = ~(UINT64_MAX >> bits);
	else if (bits > 64)
		mask.low = ~(bits == 128 ? 0 : UINT64_MAX >> (bits - 64));
	return mask;
}

static inline struct limit_entry *
set_of(const struct limit *l, const struct limit_key *key, int which)
{
	return l->family[key->six].entry + (size_t)key->set[which] * LIMIT_WAYS;
}

struct limit_look
limit_look(struct limit *l, const struct limit_key *key, uint64_t now)
{
	struct limit_look look = { LIMIT_UNDER, true, 0 };
	struct limit_entry *client, *prefix;

	if (key->exempt)
		return look;
	if (now - l->window_at >= l->window_ms)
		turn_window(l, now);
	prefix = limit_set_visit(set_of(l, key, LIMIT_PREFIX),
	    key->tag[LIMIT_PREFIX], &l->bucket[LIMIT_PREFIX], (uint32_t)now);
	client = limit_set_visit(set_of(l, key, LIMIT_CLIENT),
	    key->tag[LIMIT_CLIENT], &l->bucket[LIMIT_CLIENT], (uint32_t)now);
	look.regular = client->seen >= LIMIT_REGULAR;
	if ((client->balance > 0 && prefix->balance > 0) || l->off)
		return look;
	look.verdict = over(l, client, prefix, key->proven);
	if (client->balance <= 0)
		look.over = client->over;
	return look;
}

/* The windows are everyone's, so that an entry needs but a number of it. */
static void
turn_window(struct limit *l, uint64_t now)
{
	int i;

	l->window_at = now;
	for (i = 0; i < LIMIT_BUCKETS; i++)
		l->bucket[i].window++;
}

/*
 * A leak has to be paid for, and there is none half way to the floor: so they
 * are drawn from what the balance grows by, and no flood gets more than its
 * rate. The other half is for what is charged later.
 */
static enum limit_verdict
over(struct limit *l, struct limit_entry *client, struct limit_entry *prefix,
    bool proven)
{
	uint16_t count = 0;

	if (prefix->balance <= 0)
		count = limit_set_over(prefix);
	/* If both are over, it is the client that slips. */
	if (client->balance <= 0)
		count = limit_set_over(client);
	if (proven)
		return LIMIT_DROP;
	if (client->balance > l->bucket[LIMIT_CLIENT].floor / 2 &&
	    prefix->balance > l->bucket[LIMIT_PREFIX].floor / 2 && leaks(l))
		return LIMIT_LEAK;
	if (l->slip != 0 && count % l->slip == 0)
		return LIMIT_SLIP;
	return LIMIT_DROP;
}

/* Four bits of a hash each: who has seen some cannot tell the next. */
static bool
leaks(struct limit *l)
{
	if (l->leak_turn++ % 16 == 0)
		l->leaks = siphash(&l->key, &l->leak_turn, 8);
	else
		l->leaks >>= 4;
	return l->leaks % LIMIT_LEAK_OF == 0;
}

void
limit_charge(struct limit *l, const struct limit_key *key, uint32_t cost)
{
	struct limit_entry *e;
	int i;

	if (key->exempt || l->off)
		return;
	for (i = 0; i < LIMIT_BUCKETS; i++) {
		e = limit_set_find(set_of(l, key, i), key->tag[i]);
		if (e != NULL)
			limit_set_pay(e, &l->bucket[i], cost);
	}
}
