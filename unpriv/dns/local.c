/*
 * Answers of our own data. None may be longer than its client takes, nor say
 * that it was validated.
 */
#include "reader.h"
#include "special.h"
#include "tell.h"

#define POINTER 0xc000 /* RFC 1035 4.1.4 */

static void write_records(struct dns_writer *, bool, const void *);

size_t
dns_local_write(uint8_t *buf, size_t cap, const struct dns_local *local,
    const struct dns_ede *ede, const struct dns_query *query,
    const struct dns_reply *reply)
{
	struct dns_told told;

	dns_told_init(&told,
	    (uint16_t)(DNS_RA | (local->authoritative ? DNS_AA : 0)),
	    local->rcode);
	told.ancount = (uint16_t)local->nanswer;
	told.nscount = (uint16_t)local->nauthority;
	told.records = write_records;
	told.from = local;
	if (ede != NULL)
		dns_told_add(&told, ede);
	return dns_tell(buf, cap, &told, query, reply);
}

static void
write_records(struct dns_writer *w, bool whole, const void *from)
{
	const struct dns_local *local = from;
	const struct dns_local_record *record = local->records;
	size_t n = local->nanswer + local->nauthority;

	(void)whole; /* there is no additional section */
	for (; n > 0; n--, record++) {
		if (record->owner != NULL)
			dns_write_bytes(w, record->owner, record->owner_len);
		else
			dns_write_u16(
			    w, POINTER | (DNS_HEADER_LEN + record->owner_at));
		dns_write_u16(w, record->type);
		dns_write_u16(w, DNS_CLASS_IN);
		dns_write_u32(w, record->ttl);
		dns_write_u16(w, record->rdata_len);
		dns_write_bytes(w, record->rdata, record->rdata_len);
	}
}
