/*
 * Answers as the cache keeps them:
 *
 *	form (1 byte), length of the question's name (1)
 *	flags (2), rcode (2), records of each section (2 each)
 *	where the additional section begins in the records (2)
 *	number of errors (1)
 *	where each record's TTL is in the records (2 each)
 *	each error: code (2), length of its text (2), text
 *	the records, to the end
 *
 * All of it is read back as a stranger's bytes, each number once: a second
 * look may find another. No number may lead a write out of the client's
 * message.
 */
#include "reader.h"
#include "record.h"
#include "stored.h"
#include "tell.h"

#define FORM	   1
#define KEPT_FLAGS (DNS_TC | DNS_RA | DNS_AD) /* AA: not from a cache */
#define TTL_LEN	   4
#define TTL_AT	   4 /* behind a record's owner: type and class */

/* Records being stored. */
struct shelf {
	struct dns_writer *w;
	const struct dns_storable *storable;
	size_t list; /* where the next TTL's place is noted */
	size_t records; /* where the records begin */
};

/* What the records are told from. */
struct source {
	const uint8_t *records;
	size_t len, additional;
	struct dns_reader ttls;
	const struct dns_stored_now *now;
};

static void write_errors(struct dns_writer *, const struct dns_answer *);
static void
write_records(struct shelf *, const uint8_t *, const struct dns_answer *);
static void write_tail(
    struct shelf *, const struct dns_record *, const struct dns_reader *);
static void note_ttl(struct shelf *, size_t, uint32_t);
static bool read_stored(struct dns_told *, struct source *, const uint8_t *,
    size_t, const struct dns_query *);
static bool read_errors(struct dns_told *, struct dns_reader *, size_t);
static void tell_records(struct dns_writer *, bool, const void *);

size_t
dns_stored_key(
    uint8_t *buf, size_t cap, const struct dns_question *question, uint8_t ask)
{
	struct dns_writer w;

	dns_writer_init(&w, buf, cap);
	dns_write_bytes(&w, question->name, question->name_len);
	if (!w.failed)
		dns_name_fold(buf, question->name_len);
	dns_write_two(&w, question->type, question->class);
	dns_write_u8(&w, ask & (DNS_ASK_DO | DNS_ASK_CD));
	return w.failed ? 0 : w.pos;
}

size_t
dns_stored_write(uint8_t *buf, size_t cap, const uint8_t *msg,
    const struct dns_answer *answer, const struct dns_storable *storable)
{
	struct dns_writer w;
	struct shelf shelf = { &w, storable, 0, 0 };
	uint16_t arcount = (uint16_t)(answer->arcount - (answer->opt != 0));

	dns_writer_init(&w, buf, cap);
	dns_write_u8(&w, FORM);
	dns_write_u8(&w, answer->question.name_len);
	dns_write_u16(&w, answer->flags & KEPT_FLAGS);
	dns_write_u16(&w, answer->rcode);
	dns_write_u16(&w, answer->ancount);
	dns_write_u16(&w, answer->nscount);
	dns_write_u16(&w, arcount);
	dns_write_u16(&w, (uint16_t)(answer->additional - answer->answers));
	dns_write_u8(&w, (uint8_t)answer->nede);
	shelf.list = w.pos;
	dns_write_zeroes(
	    &w, 2 * ((size_t)answer->ancount + answer->nscount + arcount));
	write_errors(&w, answer);
	shelf.records = w.pos;
	write_records(&shelf, msg, answer);
	return w.failed ? 0 : w.pos;
}

size_t
dns_stored_tell(uint8_t *buf, size_t cap, const uint8_t *stored, size_t len,
    const struct dns_stored_now *now, const struct dns_query *query,
    const struct dns_reply *reply)
{
	struct source source;
	struct dns_told told;

	source.now = now;
	if (!read_stored(&told, &source, stored, len, query))
		return 0;
	if (now->ede != NULL)
		dns_told_add(&told, now->ede);
	return dns_tell(buf, cap, &told, query, reply);
}

static void
write_errors(struct dns_writer *w, const struct dns_answer *answer)
{
	size_t i, len;

	for (i = 0; i < answer->nede; i++) {
		len = answer->ede[i].text_len;
		if (len > DNS_EDE_TEXT_MAX)
			len = DNS_EDE_TEXT_MAX;
		dns_write_u16(w, answer->ede[i].code);
		dns_write_u16(w, (uint16_t)len);
		dns_write_bytes(w, answer->ede[i].text, len);
	}
}

/* As they are up to the OPT; what is behind it moves, so its names are
 * written in full. */
static void
write_records(
    struct shelf *shelf, const uint8_t *msg, const struct dns_answer *answer)
{
	size_t end = answer->opt != 0 ? answer->opt : answer->end;
	struct dns_reader r;
	struct dns_record record;
	const uint8_t *head;

	dns_reader_init(&r, msg, end);
	dns_read_skip(&r, answer->answers);
	head = dns_read_bytes(&r, dns_reader_left(&r));
	if (head == NULL) {
		shelf->w->failed = true;
		return;
	}
	dns_write_bytes(shelf->w, head, end - answer->answers);
	dns_reader_init(&r, msg, answer->end);
	dns_read_skip(&r, answer->answers);
	while (!shelf->w->failed && dns_reader_left(&r) > 0) {
		dns_record_read(&record, &r);
		if (r.failed)
			shelf->w->failed = true;
		else if (record.start < end)
			note_ttl(shelf, record.fixed + TTL_AT - answer->answers,
			    record.ttl);
		else if (record.start != answer->opt)
			write_tail(shelf, &record, &r);
	}
}

static void
write_tail(struct shelf *shelf, const struct dns_record *record,
    const struct dns_reader *r)
{
	size_t at = shelf->w->pos - shelf->records;
	struct dns_reader owner;
	uint8_t len;

	dns_reader_init(&owner, r->base, record->end);
	dns_read_skip(&owner, record->start);
	dns_read_name(&owner, NULL, &len, true);
	dns_record_expand(shelf->w, record, r);
	note_ttl(shelf, at + len + TTL_AT, record->ttl);
}

static void
note_ttl(struct shelf *shelf, size_t at, uint32_t ttl)
{
	ttl = dns_ttl(ttl);
	if (ttl < shelf->storable->ttl)
		ttl = shelf->storable->ttl;
	if (ttl > shelf->storable->ceiling)
		ttl = shelf->storable->ceiling;
	/* Names in full may make it too long to be told at all. */
	if (at > UINT16_MAX) {
		shelf->w->failed = true;
		return;
	}
	dns_write_u32_at(shelf->w, shelf->records + at, ttl);
	dns_write_u16_at(shelf->w, shelf->list, (uint16_t)at);
	shelf->list += 2;
}

static bool
read_stored(struct dns_told *told, struct source *source, const uint8_t *stored,
    size_t len, const struct dns_query *query)
{
	struct dns_reader r;
	uint8_t form, name_len, nede;
	uint16_t flags, rcode, ancount, nscount, arcount;
	const uint8_t *ttls;
	size_t ttls_len;

	dns_reader_init(&r, stored, len);
	form = dns_read_u8(&r);
	name_len = dns_read_u8(&r);
	flags = dns_read_u16(&r);
	dns_read_four(&r, &rcode, &ancount, &nscount, &arcount);
	dns_told_init(told, flags & KEPT_FLAGS, rcode);
	told->ancount = ancount;
	told->nscount = nscount;
	told->arcount = arcount;
	source->additional = dns_read_u16(&r);
	nede = dns_read_u8(&r);
	ttls_len = 2 * ((size_t)told->ancount + told->nscount + told->arcount);
	ttls = dns_read_bytes(&r, ttls_len);
	/* The records' pointers count on the question being as it was. */
	if (r.failed || form != FORM || name_len == 0 ||
	    name_len != query->question.name_len || told->arcount == UINT16_MAX)
		return false;
	dns_reader_init(&source->ttls, ttls, ttls_len);
	if (!read_errors(told, &r, nede))
		return false;
	source->len = dns_reader_left(&r);
	source->records = dns_read_bytes(&r, source->len);
	told->records = tell_records;
	told->from = source;
	return source->additional <= source->len;
}

static bool
read_errors(struct dns_told *told, struct dns_reader *r, size_t n)
{
	struct dns_ede ede;

	if (n > DNS_EDES_MAX)
		return false;
	for (; n > 0; n--) {
		ede.code = dns_read_u16(r);
		ede.text_len = dns_read_u16(r);
		ede.text = dns_read_bytes(r, ede.text_len);
		if (r->failed)
			return false;
		dns_told_add(told, &ede);
	}
	return true;
}

/* The one place where time goes by: in the client's copy. */
static void
tell_records(struct dns_writer *w, bool whole, const void *from)
{
	const struct source *source = from;
	size_t len = whole ? source->len : source->additional, at, begin;
	struct dns_reader ttls = source->ttls;

	begin = w->pos;
	dns_write_bytes(w, source->records, len);
	if (w->failed || len < TTL_LEN)
		return;
	while (dns_reader_left(&ttls) > 0) {
		at = dns_read_u16(&ttls);
		if (at > len - TTL_LEN)
			continue; /* not told */
		if (source->now->ttl != 0)
			dns_write_u32_at(w, begin + at, source->now->ttl);
		else
			dns_write_lower_u32_at(w, begin + at, source->now->age);
	}
}
