/*
 * The OPT of our own answers. An error's text comes from somebody else: it
 * must never leave here as anything but whole UTF-8 characters.
 */
#include "opt.h"

#define EDE_CODE_LEN 2

static void write_ede(struct dns_writer *, const struct dns_ede *, bool);
static size_t utf8_prefix(const struct dns_ede *, size_t);
static size_t utf8_read(struct dns_reader *);

void
dns_opt_write(struct dns_writer *w, const struct dns_query *query,
    const struct dns_reply *reply, uint16_t rcode, const struct dns_ede *ede,
    size_t nede, bool cut)
{
	size_t i, length_at;

	dns_write_u8(w, 0);
	/* The rcode's upper bits stand before the version, 0. */
	dns_write_four(w, DNS_TYPE_OPT, reply->udp_size,
	    (uint16_t)(rcode >> 4 << 8), query->dnssec_ok ? DNS_OPT_DO : 0);
	length_at = w->pos;
	dns_write_u16(w, 0);
	if (query->keepalive && reply->tcp) {
		dns_write_u16(w, DNS_OPT_KEEPALIVE);
		dns_write_u16(w, 2);
		dns_write_u16(w, reply->keepalive);
	}
	if (query->tell_cookie) {
		dns_write_u16(w, DNS_OPT_COOKIE);
		dns_write_u16(w, DNS_COOKIE_LEN);
		dns_write_bytes(w, query->cookie, DNS_COOKIE_LEN);
	}
	for (i = 0; i < nede; i++)
		write_ede(w, &ede[i], cut);
	if (!w->failed)
		dns_write_u16_at(
		    w, length_at, (uint16_t)(w->pos - length_at - 2));
}

static void
write_ede(struct dns_writer *w, const struct dns_ede *ede, bool cut)
{
	size_t len, left = w->cap - w->pos, max = DNS_EDE_TEXT_MAX;

	if (ede->code == DNS_EDE_NONE)
		return;
	if (cut && left < DNS_OPT_OPTION_LEN + EDE_CODE_LEN)
		return;
	if (cut && left - DNS_OPT_OPTION_LEN - EDE_CODE_LEN < max)
		max = left - DNS_OPT_OPTION_LEN - EDE_CODE_LEN;
	len = utf8_prefix(ede, max);
	dns_write_u16(w, DNS_OPT_EDE);
	dns_write_u16(w, (uint16_t)(EDE_CODE_LEN + len));
	dns_write_u16(w, ede->code);
	dns_write_bytes(w, ede->text, len);
}

/* How much of the text, at most max bytes, is whole UTF-8 characters. */
static size_t
utf8_prefix(const struct dns_ede *ede, size_t max)
{
	struct dns_reader r;
	size_t len = 0;

	if (ede->text == NULL)
		return 0;
	dns_reader_init(&r, ede->text, ede->text_len);
	while (dns_reader_left(&r) > 0 && utf8_read(&r) != 0 && r.pos <= max)
		len = r.pos;
	return len;
}

/* The length of the next character (RFC 3629 4), or 0 if it is none. */
static size_t
utf8_read(struct dns_reader *r)
{
	uint8_t c = dns_read_u8(r), low = 0x80, high = 0xbf, next;
	size_t i, more;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	/* Not overlong, no surrogate, nothing above U+10FFFF. */
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	for (i = 0; i < more; i++) {
		next = dns_read_u8(r);
		if (r->failed || next < low || next > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return more + 1;
}
