/*
 * Messages made by hand, for tests: what a test writes is what is on the wire,
 * right or wrong. Uses nothing of what is tested.
 */
#ifndef REGRESS_DNS_MESSAGE_H
#define REGRESS_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct message {
	uint8_t b[65535 + 256];
	size_t len;
	size_t rdlength_at; /* of the record that was begun */
};

/* A header; the counts are set by message_count or by what is added. */
void message_begin(struct message *m, uint16_t id, uint16_t flags);
/* question 0, answer 1, authority 2, additional 3 */
void message_count(struct message *m, int section, uint16_t n);
void message_u8(struct message *m, uint8_t v);
void message_u16(struct message *m, uint16_t v);
void message_u32(struct message *m, uint32_t v);
void message_bytes(struct message *m, const void *p, size_t n);
/* "www.example.com" and "." as labels, without compression. */
void message_name(struct message *m, const char *name);
void message_pointer(struct message *m, size_t to);
/* A question; counted. */
void message_question(
    struct message *m, const char *name, uint16_t type, uint16_t class);
/* What follows an owner's name up to the RDATA, counted in the section... */
void
message_record(struct message *m, int section, uint16_t type, uint32_t ttl);
/* ... and its end, which sets the RDLENGTH. */
void message_record_end(struct message *m);
/* A whole record with an owner in full and opaque RDATA; class IN. */
void message_add(struct message *m, int section, const char *name,
    uint16_t type, const void *rdata, size_t n);
/* An OPT as far as its options, then end it as any record. */
void message_opt(struct message *m, uint16_t size, uint32_t ttl);
void
message_option(struct message *m, uint16_t code, const void *data, size_t n);

/*
 * With DOTPROXY_SEEDS in the environment, keeps the message there as a seed
 * of the fuzz target of that name.
 */
void message_keep(const void *p, size_t len, const char *target);

#endif
