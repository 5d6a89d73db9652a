/*
 * Numbers of the DNS that every file here shares (RFC 1035, 6895 and IANA's
 * registries), and the two structs that a message is read into.
 */
#ifndef UNPRIV_DNS_DNS_H
#define UNPRIV_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_LEN	12
#define DNS_NAME_MAX	255 /* bytes on the wire, root label included */
#define DNS_LABEL_MAX	63
#define DNS_MESSAGE_MAX 65535
#define DNS_UDP_MIN	512 /* RFC 1035 4.2.1 */

/* Bits of the header's third and fourth byte, read as one number. */
#define DNS_QR		  0x8000
#define DNS_AA		  0x0400
#define DNS_TC		  0x0200
#define DNS_RD		  0x0100
#define DNS_RA		  0x0080
#define DNS_Z		  0x0040
#define DNS_AD		  0x0020
#define DNS_CD		  0x0010
#define DNS_OPCODE(flags) (((flags) >> 11) & 0xf)
#define DNS_RCODE(flags)  ((flags)&0xf)

#define DNS_OPCODE_QUERY  0

#define DNS_NOERROR	  0
#define DNS_FORMERR	  1
#define DNS_SERVFAIL	  2
#define DNS_NXDOMAIN	  3
#define DNS_NOTIMP	  4
#define DNS_REFUSED	  5
#define DNS_BADVERS	  16
#define DNS_BADCOOKIE	  23 /* RFC 7873 8 */

#define DNS_TYPE_A	  1
#define DNS_TYPE_NS	  2
#define DNS_TYPE_CNAME	  5
#define DNS_TYPE_SOA	  6
#define DNS_TYPE_PTR	  12
#define DNS_TYPE_HINFO	  13
#define DNS_TYPE_TXT	  16
#define DNS_TYPE_SIG	  24
#define DNS_TYPE_AAAA	  28
#define DNS_TYPE_OPT	  41
#define DNS_TYPE_DS	  43
#define DNS_TYPE_IXFR	  251
#define DNS_TYPE_AXFR	  252
#define DNS_TYPE_ANY	  255
#define DNS_CLASS_IN	  1

/* EDNS options (RFC 6891). */
#define DNS_OPT_ECS	  8 /* RFC 7871 */
#define DNS_OPT_COOKIE	  10 /* RFC 7873 */
#define DNS_OPT_KEEPALIVE 11 /* RFC 7828 */
#define DNS_OPT_PADDING	  12 /* RFC 7830 */
#define DNS_OPT_EDE	  15 /* RFC 8914 */

/* A cookie: the client's, and a server's as RFC 9018 4 makes it. */
#define DNS_COOKIE_CLIENT 8
#define DNS_COOKIE_SERVER 16
#define DNS_COOKIE_LEN	  (DNS_COOKIE_CLIENT + DNS_COOKIE_SERVER)

/* Info codes of extended errors (RFC 8914 4) that dotproxy gives itself. */
#define DNS_EDE_OTHER		  0
#define DNS_EDE_STALE		  3
#define DNS_EDE_CACHED_ERROR	  13
#define DNS_EDE_PROHIBITED	  18
#define DNS_EDE_NOT_READY	  14
#define DNS_EDE_NOT_AUTHORITATIVE 20
#define DNS_EDE_NOT_SUPPORTED	  21
#define DNS_EDE_NO_REACHABLE	  22
#define DNS_EDE_NETWORK_ERROR	  23
#define DNS_EDE_INVALID_DATA	  24
#define DNS_EDE_NONE		  0xffff

/* A question (RFC 1035 4.1.2): the name on the wire, uncompressed, in the
 * case it was sent in, root label included. */
struct dns_question {
	uint8_t name[DNS_NAME_MAX];
	uint8_t name_len; /* 1 .. DNS_NAME_MAX */
	uint16_t type;
	uint16_t class;
};

/* An extended error: text is not NUL-terminated and may be NULL with 0. */
struct dns_ede {
	uint16_t code; /* DNS_EDE_NONE: there is none */
	uint16_t text_len;
	const uint8_t *text; /* UTF-8; points into somebody else's buffer */
};

/* Names equal but for ASCII case (RFC 4343), types and classes equal. */
bool
dns_question_equal(const struct dns_question *a, const struct dns_question *b);

/* Folds the name to lower case in place (RFC 4343: ASCII letters only). */
void dns_question_fold(struct dns_question *q);
void dns_name_fold(uint8_t *name, size_t len);
/* Whether a name from another process is well formed: len matches the labels,
 * no compression, no capital letter. */
bool dns_name_is_folded(const uint8_t *name, size_t len);
/* Whether a name is the domain or below it, label by label; both are well
 * formed, and folded. */
bool dns_name_is_in(
    const uint8_t *name, size_t len, const uint8_t *domain, size_t domain_len);
/* Where the last so many labels of a name begin, the root not counted: 0 if it
 * has no more; the name is well formed. */
size_t dns_name_last(const uint8_t *name, size_t len, size_t labels);

/* "www.example.com. AAAA", escaped as RFC 1035 5.1, for a log; returns buf.
 * A type without a name here is TYPEn (RFC 3597 5); a class other than IN
 * stands before it ("version.bind. CH TXT"); without a name at all it is
 * "?". */
#define DNS_QUESTION_TEXT 1040
const char *
dns_question_text(const struct dns_question *q, char buf[DNS_QUESTION_TEXT]);

#endif
