/*
 * A hash table of names with a key of its own, of a size fixed by the count.
 * It must never hold what was not checked, nor be changed after it is built.
 */
#include <stdlib.h>
#include <string.h>

#include "dotproxy/log.h"
#include "dotproxy/siphash.h"
#include "unpriv/dns/query.h"

#include "local.h"

#define NONE	UINT32_MAX
#define TTL_MAX 604800 /* seconds */

struct entry {
	const uint8_t *name, *rdata;
	uint32_t ttl;
	uint32_t next; /* in its bucket, or NONE; in the config's order */
	uint16_t type;
	uint8_t name_len, rdata_len;
};

struct local {
	struct siphash_key key;
	uint32_t mask; /* buckets, less one */
	uint32_t *bucket;
	struct entry *entry;
	uint8_t *bytes;
};

static const char *take(struct local *, const struct conf_local *);
static const char *check(const struct entry *);
static bool is_name(const uint8_t *, size_t);
static void put_in(struct local *, uint32_t);
static uint32_t *
bucket_of(const struct local *, const uint8_t *name, size_t len);
static bool find_one(const struct local *, const uint8_t *, uint8_t, uint16_t,
    struct local_answer *, const struct entry **);
static bool is_told(const struct local_answer *, const struct entry *);
static void add(struct local_answer *, const struct entry *, size_t);
static void add_soa(struct local_answer *, const uint8_t *, uint8_t);

const char *
local_build(
    struct local **table, const struct conf_local *head, const uint8_t *records)
{
	struct local *t;
	const char *wrong;
	uint32_t i;

	*table = NULL;
	if (head->records > LOCAL_RECORDS_MAX || head->size > LOCAL_SIZE_MAX)
		return "too much local data";
	if (head->records == 0)
		return head->size == 0 ? NULL : "local data of no records";
	if ((t = calloc(1, sizeof(*t))) == NULL)
		fatal("local data");
	for (t->mask = 1; t->mask < head->records; t->mask *= 2)
		continue;
	t->bucket = calloc(t->mask, sizeof(t->bucket[0]));
	t->entry = calloc(head->records, sizeof(t->entry[0]));
	t->bytes = malloc(head->size + 1);
	if (t->bucket == NULL || t->entry == NULL || t->bytes == NULL)
		fatal("local data");
	for (i = 0; i < t->mask; i++)
		t->bucket[i] = NONE;
	t->mask--;
	siphash_key_random(&t->key);
	memcpy(t->bytes, records, head->size);
	if ((wrong = take(t, head)) != NULL)
		local_free(t);
	else
		*table = t;
	return wrong;
}

void
local_free(struct local *table)
{
	if (table == NULL)
		return;
	free(table->bucket);
	free(table->entry);
	free(table->bytes);
	free(table);
}

bool
local_find(const struct local *table, const struct dns_question *folded,
    struct local_answer *answer)
{
	const struct entry *cname;
	unsigned int cnames = 0;

	if (table == NULL || folded->class != DNS_CLASS_IN)
		return false;
	memset(&answer->local, 0, sizeof(answer->local));
	answer->local.authoritative = true;
	answer->local.records = answer->record;
	if (!find_one(table, folded->name, folded->name_len, folded->type,
		answer, &cname))
		return false;
	/* RFC 1034 4.3.2, 3a. */
	while (cname != NULL && ++cnames < LOCAL_CNAMES_MAX &&
	    find_one(table, cname->rdata, cname->rdata_len, folded->type,
		answer, &cname))
		continue;
	return true;
}

/* What one name has; a CNAME that leads on goes to *cname, else that is NULL.
 * False: it is not in the table. */
static bool
find_one(const struct local *table, const uint8_t *name, uint8_t len,
    uint16_t type, struct local_answer *answer, const struct entry **cname)
{
	size_t before = answer->local.nanswer;
	const struct entry *e;
	bool exists = false;
	uint32_t i;

	*cname = NULL;
	for (i = *bucket_of(table, name, len); i != NONE; i = e->next) {
		e = &table->entry[i];
		if (e->name_len != len || memcmp(e->name, name, len) != 0)
			continue;
		exists = true;
		if (type == DNS_TYPE_ANY)
			type = e->type;
		if (e->type == type)
			add(answer, e, before);
		else if (e->type == CONF_LOCAL_CNAME)
			*cname = e;
	}
	if (*cname != NULL) {
		answer->local.nanswer = before;
		if (is_told(answer, *cname))
			*cname = NULL; /* a loop */
		else
			add(answer, *cname, before);
	} else if (exists && answer->local.nanswer == before)
		add_soa(answer, name, len);
	return exists;
}

static const char *
take(struct local *t, const struct conf_local *head)
{
	const uint8_t *p = t->bytes, *end = p + head->size;
	struct conf_record record;
	struct entry *e;
	const char *wrong;
	uint32_t i;

	for (i = 0; i < head->records; i++) {
		if ((size_t)(end - p) < sizeof(record))
			return "less local data than announced";
		memcpy(&record, p, sizeof(record));
		p += sizeof(record);
		if ((size_t)(end - p) <
		    (size_t)record.name_len + record.rdata_len)
			return "less local data than announced";
		e = &t->entry[i];
		e->type = record.type;
		e->ttl = record.ttl;
		e->name_len = record.name_len;
		e->rdata_len = record.rdata_len;
		e->name = p;
		e->rdata = p + record.name_len;
		p = e->rdata + record.rdata_len;
		if ((wrong = check(e)) != NULL)
			return wrong;
	}
	if (p != end)
		return "more local data than announced";
	/* Each goes before those of its bucket: so the last one first. */
	while (i > 0)
		put_in(t, --i);
	return NULL;
}

static const char *
check(const struct entry *e)
{
	if (!is_name(e->name, e->name_len))
		return "local data of no name";
	if (e->ttl > TTL_MAX)
		return "local data of a time out of bounds";
	switch (e->type) {
	case CONF_LOCAL_A:
		return e->rdata_len == 4 ? NULL : "no IPv4 address";
	case CONF_LOCAL_AAAA:
		return e->rdata_len == 16 ? NULL : "no IPv6 address";
	case CONF_LOCAL_CNAME:
	case CONF_LOCAL_PTR:
		return is_name(e->rdata, e->rdata_len) ? NULL : "no such name";
	case CONF_LOCAL_TXT:
		return e->rdata_len > 0 && e->rdata[0] == e->rdata_len - 1
		    ? NULL
		    : "no such text";
	default:
		return "local data of an unknown type";
	}
}

/* And folded, or it would never be found. */
static bool
is_name(const uint8_t *name, size_t len)
{
	struct dns_question q;

	memset(&q, 0, sizeof(q));
	memcpy(q.name, name, len);
	q.name_len = (uint8_t)len;
	if (len == 0 || !dns_question_is_valid(&q))
		return false;
	dns_question_fold(&q);
	return memcmp(q.name, name, len) == 0;
}

/* Unless the same stands there already: hosts files repeat themselves. */
static void
put_in(struct local *t, uint32_t i)
{
	struct entry *e = &t->entry[i];
	uint32_t *bucket = bucket_of(t, e->name, e->name_len), other;
	const struct entry *o;

	for (other = *bucket; other != NONE; other = o->next) {
		o = &t->entry[other];
		if (o->type == e->type && o->name_len == e->name_len &&
		    o->rdata_len == e->rdata_len &&
		    memcmp(o->name, e->name, e->name_len) == 0 &&
		    memcmp(o->rdata, e->rdata, e->rdata_len) == 0)
			return;
	}
	e->next = *bucket;
	*bucket = i;
}

static uint32_t *
bucket_of(const struct local *t, const uint8_t *name, size_t len)
{
	return &t->bucket[siphash(&t->key, name, len) & t->mask];
}

static bool
is_told(const struct local_answer *answer, const struct entry *e)
{
	size_t i;

	for (i = 0; i < answer->local.nanswer; i++)
		if (answer->record[i].rdata == e->rdata)
			return true;
	return false;
}

/* To the records from this one on, which are of one owner and type: they have
 * one TTL (RFC 2181 5.2), the lowest. */
static void
add(struct local_answer *answer, const struct entry *e, size_t from)
{
	struct dns_local_record *r;
	size_t i;

	if (answer->local.nanswer == LOCAL_ANSWER_MAX)
		return;
	r = &answer->record[answer->local.nanswer++];
	memset(r, 0, sizeof(*r));
	r->type = e->type;
	r->rdata_len = e->rdata_len;
	r->ttl = e->ttl;
	r->rdata = e->rdata;
	if (from > 0) {
		r->owner = e->name;
		r->owner_len = e->name_len;
	}
	for (i = from; i < answer->local.nanswer; i++)
		if (answer->record[i].ttl > e->ttl)
			answer->record[i].ttl = e->ttl;
		else
			r->ttl = answer->record[i].ttl;
}

/* RFC 2308 3: so that it is known for how long there is none. Its first name
 * is the question's own. */
static void
add_soa(struct local_answer *answer, const uint8_t *name, uint8_t len)
{
	static const uint8_t soa[] = { 0xc0, DNS_HEADER_LEN, 6, 'n', 'o', 'b',
		'o', 'd', 'y', 7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0, 0, 0, 0,
		1, 0, 0, 0x0e, 0x10, 0, 0, 0x04, 0xb0, 0, 0x09, 0x3a, 0x80, 0,
		0, 1, 0x2c };
	struct dns_local_record *r = &answer->record[answer->local.nanswer];

	memset(r, 0, sizeof(*r));
	r->type = DNS_TYPE_SOA;
	r->rdata_len = sizeof(soa);
	r->ttl = CONF_LOCAL_TTL;
	r->rdata = soa;
	if (answer->local.nanswer > 0) {
		r->owner = name;
		r->owner_len = len;
	}
	answer->local.nauthority = 1;
}
