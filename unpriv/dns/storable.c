/*
 * What may be cached, and for how long. An entry is a whole answer, kept for
 * its one question: none of its records may ever answer another, and so nothing
 * here asks whose they are.
 */
#include "reader.h"
#include "record.h"
#include "storable.h"

#define CLASS_NONE     254
#define CLASS_ANY      255
#define CLASS_RESERVED 65535
#define SOA_NUMBERS    20 /* bytes behind a SOA's names, MINIMUM the last */

struct seen {
	uint32_t ttl; /* the smallest */
	bool answered; /* there is a record of the type asked for */
	bool soa; /* in the authority section */
	bool one_hop; /* there is one that must not go further */
};

static bool may_be_kept(const struct dns_answer *, const struct dns_question *);
static void look(struct seen *, const uint8_t *, const struct dns_answer *);
static void look_at_soa(
    struct seen *, const struct dns_record *, const struct dns_reader *);
static bool is_meta_type(uint16_t);
static bool is_meta_class(uint16_t);
static uint32_t clamp(uint32_t, uint32_t, uint32_t);

void
dns_storable(struct dns_storable *storable, const uint8_t *msg,
    const struct dns_answer *answer, const struct dns_question *asked,
    const struct dns_ttl_limits *limits)
{
	struct seen seen;

	storable->kind = DNS_NOT_STORABLE;
	storable->ttl = storable->ceiling = 0;
	if (!may_be_kept(answer, asked))
		return;
	look(&seen, msg, answer);
	if (seen.one_hop)
		return;
	if (answer->rcode != DNS_NOERROR && answer->rcode != DNS_NXDOMAIN) {
		/* RFC 9520 3.2: at least a second, at most five minutes. */
		storable->kind = DNS_FAILURE;
		storable->ttl = storable->ceiling = clamp(
		    limits->failure, DNS_FAILURE_TTL_MIN, DNS_FAILURE_TTL_MAX);
		return;
	}
	/* RFC 2181 9: what was cut is not the answer. */
	if ((answer->flags & DNS_TC) != 0)
		return;
	/* RFC 2181 5.2: what is told together lives as long as the shortest;
	 * RFC 8767 4 lets an operator cap it. */
	storable->ttl = clamp(seen.ttl, limits->min, limits->max);
	storable->ceiling = limits->max;
	if (answer->rcode == DNS_NOERROR && seen.answered)
		storable->kind = DNS_POSITIVE;
	else if (seen.soa) {
		/* RFC 2308 2.1 and 2.2, also at a CNAME's end (RFC 6604 3). */
		storable->kind = DNS_NEGATIVE;
		if (storable->ttl > limits->negative)
			storable->ttl = limits->negative;
		/* A SOA's TTL must not say more than its MINIMUM did
		 * (RFC 2308 3), nor, later, more than is left of it. */
		storable->ceiling = storable->ttl;
	}
	/* RFC 2308 5: neither is kept without SOA. Nor is a referral (2.2).
	 * RFC 1035 3.2.1: a TTL of 0 is for the one who asked. */
	if (storable->kind == DNS_NOT_STORABLE || storable->ttl == 0) {
		storable->kind = DNS_NOT_STORABLE;
		storable->ttl = storable->ceiling = 0;
	}
}

uint32_t
dns_ttl(uint32_t ttl)
{
	return ttl > INT32_MAX ? 0 : ttl;
}

static bool
may_be_kept(const struct dns_answer *answer, const struct dns_question *asked)
{
	/* A response to a question, not to an update (RFC 2136) or another. */
	if ((answer->flags & DNS_QR) == 0 ||
	    DNS_OPCODE(answer->flags) != DNS_OPCODE_QUERY)
		return false;
	/* RFC 5452 9.1: what answers something else answers nothing. */
	if (!dns_question_equal(&answer->question, asked))
		return false;
	/* RFC 6895 3.1, 3.2: types and classes that no data has. ANY is
	 * answered with data (RFC 8482 4). */
	if (asked->type != DNS_TYPE_ANY && is_meta_type(asked->type))
		return false;
	return !is_meta_class(asked->class);
}

static void
look(struct seen *seen, const uint8_t *msg, const struct dns_answer *answer)
{
	struct dns_reader r;
	struct dns_record record;
	uint32_t ttl;

	seen->ttl = UINT32_MAX;
	seen->answered = seen->soa = seen->one_hop = false;
	dns_reader_init(&r, msg, answer->end);
	dns_read_skip(&r, answer->answers);
	while (!r.failed && dns_reader_left(&r) > 0) {
		dns_record_read(&record, &r);
		/* RFC 6891 6.2.1: an OPT is left out of what is kept. */
		if (record.type == DNS_TYPE_OPT)
			continue;
		/* RFC 8945 4.1 (TSIG), RFC 2930 2 (TKEY), RFC 2931 3 (SIG(0)):
		 * for this exchange, never cached. */
		if (is_meta_type(record.type) ||
		    (record.type == DNS_TYPE_SIG &&
			is_meta_class(record.class)))
			seen->one_hop = true;
		ttl = dns_ttl(record.ttl);
		if (ttl < seen->ttl)
			seen->ttl = ttl;
		if (record.start < answer->authority)
			seen->answered |=
			    answer->question.type == record.type ||
			    answer->question.type == DNS_TYPE_ANY;
		else if (record.start < answer->additional &&
		    record.type == DNS_TYPE_SOA)
			look_at_soa(seen, &record, &r);
	}
	if (r.failed)
		seen->one_hop = true;
}

/* RFC 2308 3, 5: the smaller of the SOA's TTL and its MINIMUM. */
static void
look_at_soa(struct seen *seen, const struct dns_record *record,
    const struct dns_reader *r)
{
	struct dns_reader rdata;
	uint32_t minimum;

	seen->soa = true;
	dns_record_rdata(&rdata, record, r);
	dns_read_skip(&rdata,
	    dns_reader_left(&rdata) < SOA_NUMBERS
		? SOA_NUMBERS
		: dns_reader_left(&rdata) - sizeof(minimum));
	minimum = dns_ttl(dns_read_u32(&rdata));
	if (rdata.failed)
		minimum = 0;
	if (minimum < seen->ttl)
		seen->ttl = minimum;
}

/* OPT, and 128 to 255 (RFC 6895 3.1): TKEY, TSIG, IXFR, AXFR, MAILB, MAILA,
 * ANY; 0 is reserved. */
static bool
is_meta_type(uint16_t type)
{
	return type == 0 || type == DNS_TYPE_OPT ||
	    (type >= 128 && type <= 255);
}

static bool
is_meta_class(uint16_t class)
{
	return class == 0 || class == CLASS_NONE || class == CLASS_ANY ||
	    class == CLASS_RESERVED;
}

static uint32_t
clamp(uint32_t v, uint32_t min, uint32_t max)
{
	if (v < min)
		v = min;
	return v > max ? max : v;
}
