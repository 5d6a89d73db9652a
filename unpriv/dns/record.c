/*
 * Resource records: bounds, and the names inside the RDATA of those few types
 * where a pointer may stand. It must never look into any other RDATA: types
 * that nobody here knows go through untouched.
 */
#include <stddef.h>

#include "dns.h"
#include "record.h"

static const char *layout(uint16_t);
static void read_field(struct dns_reader *, char);
static void expand_name(struct dns_writer *, struct dns_reader *);
static void
copy(struct dns_writer *, const struct dns_reader *, size_t, size_t);

void
dns_record_read(struct dns_record *record, struct dns_reader *r)
{
	uint8_t len;

	record->start = r->pos;
	dns_read_name(r, NULL, &len, true);
	record->fixed = r->pos;
	dns_read_two(r, &record->type, &record->class);
	record->ttl = dns_read_u32(r);
	record->end = dns_read_u16(r);
	record->rdata = r->pos;
	dns_read_skip(r, record->end);
	record->end = r->pos;
}

bool
dns_record_is_of_root(const struct dns_record *record)
{
	return record->fixed - record->start == 1;
}

bool
dns_record_check(const struct dns_record *record, const struct dns_reader *r)
{
	const char *field = layout(record->type);
	struct dns_reader rdata;

	if (field == NULL)
		return true;
	dns_reader_init(&rdata, r->base, record->end);
	dns_read_skip(&rdata, record->rdata);
	for (; *field != '\0'; field++)
		read_field(&rdata, *field);
	return !rdata.failed && dns_reader_left(&rdata) == 0;
}

void
dns_record_expand(struct dns_writer *w, const struct dns_record *record,
    const struct dns_reader *r)
{
	const char *field = layout(record->type);
	struct dns_reader in;
	size_t length_at, from;

	dns_reader_init(&in, r->base, record->end);
	dns_read_skip(&in, record->start);
	expand_name(w, &in);
	copy(w, r, record->fixed, record->rdata);
	if (field == NULL) {
		copy(w, r, record->rdata, record->end);
		return;
	}
	length_at = w->pos - 2;
	dns_read_skip(&in, record->rdata - in.pos);
	for (; *field != '\0'; field++) {
		from = in.pos;
		if (*field == 'n')
			expand_name(w, &in);
		else {
			read_field(&in, *field);
			copy(w, r, from, in.pos);
		}
	}
	if (!w->failed)
		dns_write_u16_at(
		    w, length_at, (uint16_t)(w->pos - length_at - 2));
}

void
dns_record_rdata(struct dns_reader *rdata, const struct dns_record *record,
    const struct dns_reader *r)
{
	dns_reader_init(rdata, r->base, record->end);
	dns_read_skip(rdata, record->rdata);
}

bool
dns_option_read(struct dns_option *option, struct dns_reader *rdata)
{
	if (rdata->failed || dns_reader_left(rdata) == 0)
		return false;
	option->code = dns_read_u16(rdata);
	option->len = dns_read_u16(rdata);
	option->data = dns_read_bytes(rdata, option->len);
	return !rdata->failed;
}

/*
 * The fields of the types that RFC 3597 4 names, those of RFC 1035 and RP,
 * AFSDB, RT, SIG, PX, NXT, NAPTR, SRV: n a name, s a string with its length, 2
 * 4 6 so many bytes, k the 18 before a signer's name, t the 20 behind a SOA's
 * names, * the rest. A later type may not be compressed, DNAME (RFC 6672 2.5)
 * and RRSIG (RFC 4034 3.1.7) among them.
 */
static const char *
layout(uint16_t type)
{
	switch (type) {
	case 2: /* NS */
	case 3: /* MD */
	case 4: /* MF */
	case 5: /* CNAME */
	case 7: /* MB */
	case 8: /* MG */
	case 9: /* MR */
	case 12: /* PTR */
		return "n";
	case 6: /* SOA */
		return "nnt";
	case 14: /* MINFO */
	case 17: /* RP, RFC 1183 2.2 */
		return "nn";
	case 15: /* MX */
	case 18: /* AFSDB, RFC 1183 1 */
	case 21: /* RT, RFC 1183 3.3 */
		return "2n";
	case 24: /* SIG, RFC 2535 4.1 */
		return "kn*";
	case 26: /* PX, RFC 2163 4 */
		return "2nn";
	case 30: /* NXT, RFC 2535 5.2 */
		return "n*";
	case 33: /* SRV, RFC 2782 */
		return "6n";
	case 35: /* NAPTR, RFC 3403 4.1 */
		return "4sssn";
	default:
		return NULL;
	}
}

static void
read_field(struct dns_reader *r, char field)
{
	uint8_t len;

	switch (field) {
	case 'n':
		dns_read_name(r, NULL, &len, true);
		break;
	case 's':
		dns_read_skip(r, dns_read_u8(r));
		break;
	case 'k':
		dns_read_skip(r, 18);
		break;
	case 't':
		dns_read_skip(r, 20);
		break;
	case '*':
		dns_read_skip(r, dns_reader_left(r));
		break;
	default:
		dns_read_skip(r, (size_t)(field - '0'));
		break;
	}
}

static void
expand_name(struct dns_writer *w, struct dns_reader *r)
{
	uint8_t name[DNS_NAME_MAX], len;

	dns_read_name(r, name, &len, true);
	dns_write_bytes(w, name, len);
}

static void
copy(struct dns_writer *w, const struct dns_reader *r, size_t from, size_t to)
{
	struct dns_reader in;
	const uint8_t *bytes;

	dns_reader_init(&in, r->base, to);
	dns_read_skip(&in, from);
	bytes = dns_read_bytes(&in, to - from);
	if (bytes != NULL)
		dns_write_bytes(w, bytes, to - from);
}
