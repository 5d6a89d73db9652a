/*
 * Names that are answered without an upstream, in one table. None of these
 * may leave for one unless the operator switched it off.
 */
#include <string.h>

#include "query.h"
#include "reader.h"
#include "special.h"

#define LABELS_MAX   127 /* the root's left out */
#define POINTER	     0xc000 /* RFC 1035 4.1.4 */
#define TTL_EMPTY    10800 /* RFC 6303 3 */
#define TTL_ANY	     3600
#define TTL_LOOPBACK 10800

/* How a name in a zone is answered. */
enum manner {
	DENIED, /* no name exists, not even the zone's own */
	EMPTY, /* the zone's own name has SOA and NS, no other exists */
	NODATA, /* every name exists and has nothing */
	LOCALHOST, /* every name is this machine's */
	LOOPBACK /* the zone's own name is the loopback address of "localhost" */
};

/* As on the wire. With a range, the zones are those one label below, which is
 * a number in it. */
struct zone {
	const char *name;
	uint8_t len, labels;
	uint8_t low, high;
	uint8_t number, manner;
};

#define ZONE(name, labels, number, manner)                                     \
	{                                                                      \
		name, sizeof(name), labels, 0, 0, number, manner               \
	}
#define IN_ADDR "\007in-addr\004arpa"
#define IP6	"\003ip6\004arpa"
#define ZEROS7	"\0010\0010\0010\0010\0010\0010\0010"
#define ZEROS31 ZEROS7 ZEROS7 ZEROS7 ZEROS7 "\0010\0010\0010"
/* Labels are counted below in-addr.arpa and ip6.arpa. */
#define REVERSE4(name, labels, manner)                                         \
	ZONE(name IN_ADDR, (labels) + 2, SPECIAL_PRIVATE, manner)
#define REVERSE4_RANGE(name, low, high)                                        \
	{                                                                      \
		name IN_ADDR, sizeof(name IN_ADDR), 3, low, high,              \
		    SPECIAL_PRIVATE, EMPTY                                     \
	}
#define REVERSE6(name, labels, manner)                                         \
	ZONE(name IP6, (labels) + 2, SPECIAL_PRIVATE, manner)

static const struct zone top[] = {
	ZONE("\011localhost", 1, SPECIAL_LOCALHOST, LOCALHOST),
	ZONE("\007invalid", 1, SPECIAL_INVALID, DENIED),
	ZONE("\005onion", 1, SPECIAL_ONION, DENIED),
	ZONE("\004test", 1, SPECIAL_TEST, DENIED),
};

static const struct zone below_net[] = {
	ZONE("\023use-application-dns\003net", 2, SPECIAL_CANARY, DENIED),
};

static const struct zone below_arpa[] = {
	ZONE("\004home\004arpa", 2, SPECIAL_HOME, EMPTY),
	/* RFC 9462 6.4 */
	ZONE("\010resolver\004arpa", 2, SPECIAL_RESOLVER, NODATA),
};

/* A zone stands before the one it lies in. */
static const struct zone below_in_addr[] = {
	/* RFC 6303 4.1 */
	REVERSE4("\00210", 1, EMPTY),
	REVERSE4_RANGE("\003172", 16, 31),
	REVERSE4("\003168\003192", 2, EMPTY),
	/* RFC 6303 4.2 */
	REVERSE4("\0010", 1, EMPTY),
	REVERSE4("\0011\0010\0010\003127", 4, LOOPBACK),
	/* What 127.0.0.1 lies below is not denied (RFC 8020 2). */
	REVERSE4("\0010\003127", 2, NODATA),
	REVERSE4("\003127", 1, EMPTY),
	REVERSE4("\003254\003169", 2, EMPTY),
	REVERSE4("\0012\0010\003192", 3, EMPTY),
	REVERSE4("\003100\00251\003198", 3, EMPTY),
	REVERSE4("\003113\0010\003203", 3, EMPTY),
	REVERSE4("\003255\003255\003255\003255", 4, EMPTY),
	/* RFC 7793 */
	REVERSE4_RANGE("\003100", 64, 127),
};

static const struct zone below_ip6[] = {
	/* RFC 6303 4.3 */
	REVERSE6("\0010" ZEROS31, 32, EMPTY),
	REVERSE6("\0011" ZEROS31, 32, LOOPBACK),
	/* RFC 6303 4.4, 4.5, 4.6 */
	REVERSE6("\001d\001f", 2, EMPTY),
	REVERSE6("\0018\001e\001f", 3, EMPTY),
	REVERSE6("\0019\001e\001f", 3, EMPTY),
	REVERSE6("\001a\001e\001f", 3, EMPTY),
	REVERSE6("\001b\001e\001f", 3, EMPTY),
	REVERSE6("\0018\001b\001d\0010\0011\0010\0010\0012", 8, EMPTY),
};

/* So that a name in no such zone costs little: its last labels say which. */
#define BRANCH(name, labels, zones)                                            \
	{                                                                      \
		name, sizeof(name), labels, zones,                             \
		    sizeof(zones) / sizeof(zones[0])                           \
	}
static const struct branch {
	const char *name;
	uint8_t len, labels;
	const struct zone *zones;
	size_t n;
} branches[] = {
	BRANCH(IN_ADDR, 2, below_in_addr),
	BRANCH(IP6, 2, below_ip6),
	BRANCH("\004arpa", 1, below_arpa),
	BRANCH("\003net", 1, below_net),
	BRANCH("", 0, top),
};

/* A name taken apart: where each label begins, the root's too. */
struct name {
	const struct dns_question *question;
	size_t labels;
	uint8_t at[LABELS_MAX + 1];
};

static bool take_apart(struct name *, const struct dns_question *);
static bool ends_with(const struct name *, const char *, size_t, size_t);
static const struct zone *find_zone(const struct name *, size_t *);
static size_t length(const struct name *, size_t);
static bool in_range(const struct name *, const struct zone *);
static bool say(struct dns_special *, const struct name *, const struct zone *,
    size_t, unsigned int);
static void say_localhost(struct dns_special *, const struct name *, uint8_t);
static void say_empty(struct dns_special *, const struct name *, uint8_t, bool);
static void add(struct dns_special *, bool, uint16_t, uint8_t, uint32_t,
    const void *, size_t);
static void add_soa(struct dns_special *, bool, uint8_t);

bool
dns_special_may_be(const struct dns_question *question, unsigned int set)
{
	struct dns_reader r;
	uint8_t len, last = 0;

	if (question->type == DNS_TYPE_ANY)
		return true;
	if (question->name_len < 2)
		return false;
	/* Nearly all end in another letter than these, whatever they are. */
	switch (question->name[question->name_len - 2] | 0x20) {
	case 'a':
	case 'd':
	case 'n':
	case 't':
		break;
	default:
		return false;
	}
	dns_reader_init(&r, question->name, question->name_len);
	while ((len = dns_read_u8(&r)) != 0) {
		dns_read_skip(&r, len);
		last = len;
	}
	switch (last) {
	case 3: /* net */
		return (set & 1u << SPECIAL_CANARY) != 0;
	case 4: /* arpa, test */
	case 5: /* onion */
	case 7: /* invalid */
	case 9: /* localhost */
		return true;
	default:
		return false;
	}
}

bool
dns_special_find(struct dns_special *special, const struct dns_question *folded,
    unsigned int set, size_t forwarded)
{
	const struct zone *zone;
	struct name name = { 0 };
	size_t labels;

	if (folded->class != DNS_CLASS_IN || !take_apart(&name, folded))
		return false;
	memset(&special->local, 0, sizeof(special->local));
	special->local.records = &special->record;
	zone = find_zone(&name, &labels);
	if (zone != NULL && (set & 1u << zone->number) != 0 &&
	    forwarded < length(&name, labels) &&
	    say(special, &name, zone, labels, set))
		return true;
	if (folded->type != DNS_TYPE_ANY || (set & 1u << SPECIAL_ANY) == 0)
		return false;
	/* RFC 8482 4.2. It is not the zone's word: no AA. */
	special->number = SPECIAL_ANY;
	add(special, true, DNS_TYPE_HINFO, 0, TTL_ANY, "\007RFC8482", 9);
	return true;
}

static bool
take_apart(struct name *name, const struct dns_question *question)
{
	struct dns_reader r;
	uint8_t len;

	name->question = question;
	name->labels = 0;
	dns_reader_init(&r, question->name, question->name_len);
	for (;;) {
		name->at[name->labels] = (uint8_t)r.pos;
		len = dns_read_u8(&r);
		if (r.failed || len == 0)
			return !r.failed;
		if (len > DNS_LABEL_MAX || name->labels == LABELS_MAX)
			return false;
		dns_read_skip(&r, len);
		name->labels++;
	}
}

static bool
ends_with(const struct name *name, const char *end, size_t len, size_t labels)
{
	size_t at;

	if (name->labels < labels)
		return false;
	at = name->at[name->labels - labels];
	return name->question->name_len - at == len &&
	    memcmp(name->question->name + at, end, len) == 0;
}

/* The zone that the name is in, and how many labels that has. */
static const struct zone *
find_zone(const struct name *name, size_t *labels)
{
	const struct branch *branch = branches;
	const struct zone *zone;
	size_t i;

	while (!ends_with(name, branch->name, branch->len, branch->labels))
		branch++; /* the last is every name's */
	for (i = 0; i < branch->n; i++) {
		zone = &branch->zones[i];
		if (!ends_with(name, zone->name, zone->len, zone->labels) ||
		    (zone->high != 0 && !in_range(name, zone)))
			continue;
		*labels = zone->labels + (zone->high != 0);
		return zone;
	}
	return NULL;
}

/* Of the domain that these labels of a name are, in bytes. */
static size_t
length(const struct name *name, size_t labels)
{
	return name->question->name_len -
	    (size_t)name->at[name->labels - labels];
}

/* The label below the zone's name: a number without a leading zero. */
static bool
in_range(const struct name *name, const struct zone *zone)
{
	struct dns_reader r;
	unsigned int n = 0;
	uint8_t len, c;

	if (name->labels == zone->labels)
		return false;
	dns_reader_init(&r, name->question->name, name->question->name_len);
	dns_read_skip(&r, name->at[name->labels - zone->labels - 1]);
	len = dns_read_u8(&r);
	if (len > 3)
		return false;
	for (; len > 0; len--) {
		c = dns_read_u8(&r);
		if (c < '0' || c > '9' || (n == 0 && c == '0'))
			return false;
		n = n * 10 + (c - '0');
	}
	return n >= zone->low && n <= zone->high;
}

/* False for what the zone has no word in. */
static bool
say(struct dns_special *special, const struct name *name,
    const struct zone *zone, size_t labels, unsigned int set)
{
	bool own = name->labels == labels;
	uint8_t apex = name->at[name->labels - labels];
	uint16_t type = name->question->type;

	special->number = (enum special)zone->number;
	/* Of a name that exists, ANY is asked as of any other. */
	if (type == DNS_TYPE_ANY && (set & 1u << SPECIAL_ANY) != 0 &&
	    (own || zone->manner == LOCALHOST || zone->manner == NODATA) &&
	    zone->manner != DENIED)
		return false;
	/* RFC 4035 3.1.4.1: a zone's DS is the zone's above, which says there
	 * that this one is not signed (RFC 6303 7, RFC 8375 4). */
	if (type == DNS_TYPE_DS && own &&
	    (zone->manner == EMPTY || zone->manner == NODATA))
		return false;
	special->local.authoritative = true;
	switch ((enum manner)zone->manner) {
	case DENIED:
		/* It is the zone above that does not have it. */
		special->local.rcode = DNS_NXDOMAIN;
		add_soa(special, false, name->at[name->labels - labels + 1]);
		break;
	case LOCALHOST:
		say_localhost(special, name, apex);
		break;
	case LOOPBACK:
		if (own && type == DNS_TYPE_PTR)
			add(special, true, type, 0, TTL_LOOPBACK,
			    "\011localhost", 11);
		else
			say_empty(special, name, apex, own);
		break;
	case EMPTY:
		say_empty(special, name, apex, own);
		break;
	case NODATA:
		add_soa(special, own && type == DNS_TYPE_SOA, apex);
		break;
	}
	return true;
}

/* RFC 6761 6.3: below it, too. */
static void
say_localhost(
    struct dns_special *special, const struct name *name, uint8_t apex)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };
	uint16_t type = name->question->type;

	if (type == DNS_TYPE_A || type == DNS_TYPE_ANY)
		add(special, true, DNS_TYPE_A, 0, TTL_LOOPBACK, v4, sizeof(v4));
	else if (type == DNS_TYPE_AAAA)
		add(special, true, type, 0, TTL_LOOPBACK, v6, sizeof(v6));
	else
		say_empty(special, name, apex, true);
}

/* RFC 6303 3: the zone has a SOA and an NS, of its own name. */
static void
say_empty(struct dns_special *special, const struct name *name, uint8_t apex,
    bool exists)
{
	static const uint8_t self[2] = { POINTER >> 8, DNS_HEADER_LEN };
	uint16_t type = name->question->type;
	bool own = exists && apex == 0;

	if (!exists)
		special->local.rcode = DNS_NXDOMAIN;
	if (own && type == DNS_TYPE_NS)
		add(special, true, type, 0, TTL_EMPTY, self, sizeof(self));
	else
		add_soa(special,
		    own && (type == DNS_TYPE_SOA || type == DNS_TYPE_ANY),
		    apex);
}

/* The one record that an answer here has. */
static void
add(struct dns_special *special, bool answer, uint16_t type, uint8_t owner_at,
    uint32_t ttl, const void *rdata, size_t len)
{
	struct dns_writer w;

	dns_writer_init(&w, special->rdata, sizeof(special->rdata));
	dns_write_bytes(&w, rdata, len);
	special->record.type = type;
	special->record.owner_at = owner_at;
	special->record.ttl = ttl;
	special->record.rdata = special->rdata;
	special->record.rdata_len = (uint8_t)w.pos;
	special->local.nanswer = answer;
	special->local.nauthority = !answer;
}

/* RFC 6303 3: the SOA by which it is known how long to believe it. */
static void
add_soa(struct dns_special *special, bool answer, uint8_t owner_at)
{
	static const char rname[] = "\006nobody\007invalid";
	static const uint32_t numbers[] = { 1, 3600, 1200, 604800, 10800 };
	uint8_t rdata[DNS_SPECIAL_RDATA];
	struct dns_writer w;
	size_t i;

	dns_writer_init(&w, rdata, sizeof(rdata));
	dns_write_u16(&w, (uint16_t)(POINTER | (DNS_HEADER_LEN + owner_at)));
	dns_write_bytes(&w, rname, sizeof(rname));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		dns_write_u32(&w, numbers[i]);
	add(special, answer, DNS_TYPE_SOA, owner_at, TTL_EMPTY, rdata, w.pos);
}
