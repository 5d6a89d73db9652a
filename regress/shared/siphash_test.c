/* SipHash-2-4 against the paper, and its key against being forgotten. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/siphash.h"

ATF_TC_WITHOUT_HEAD(the_papers_message_has_the_papers_hash);
ATF_TC_BODY(the_papers_message_has_the_papers_hash, tc)
{
	/* Appendix A: key 00 01 .. 0f, message 00 01 .. 0e. */
	const struct siphash_key key = { 0x0706050403020100ULL,
		0x0f0e0d0c0b0a0908ULL };
	uint8_t message[15];
	uint8_t i;

	for (i = 0; i < sizeof(message); i++)
		message[i] = i;
	ATF_CHECK_EQ(
	    0xa129ca6149be45e5ULL, siphash(&key, message, sizeof(message)));
}

/* From the authors' table of vectors, of the same key: lengths 0, 1, 7, 8. */
ATF_TC_WITHOUT_HEAD(lengths_around_a_word_have_the_authors_hashes);
ATF_TC_BODY(lengths_around_a_word_have_the_authors_hashes, tc)
{
	const struct siphash_key key = { 0x0706050403020100ULL,
		0x0f0e0d0c0b0a0908ULL };
	const uint8_t message[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

	ATF_CHECK_EQ(0x726fdb47dd0e0e31ULL, siphash(&key, message, 0));
	ATF_CHECK_EQ(0x74f839c593dc67fdULL, siphash(&key, message, 1));
	ATF_CHECK_EQ(0xab0200f58b01d137ULL, siphash(&key, message, 7));
	ATF_CHECK_EQ(0x93f5f5799a932462ULL, siphash(&key, message, 8));
}

ATF_TC_WITHOUT_HEAD(seven_bytes_in_a_word_have_the_same_hash);
ATF_TC_BODY(seven_bytes_in_a_word_have_the_same_hash, tc)
{
	const struct siphash_key key = { 0x0706050403020100ULL,
		0x0f0e0d0c0b0a0908ULL };
	const uint8_t message[] = { 0xff, 0, 0x80, 3, 0x7f, 5, 0xfe };

	ATF_CHECK_EQ(
	    0xab0200f58b01d137ULL, siphash_7(&key, 0x06050403020100ULL));
	ATF_CHECK_EQ(siphash(&key, message, sizeof(message)),
	    siphash_7(&key, 0xfe057f038000ffULL));
}

ATF_TC_WITHOUT_HEAD(where_the_message_lies_does_not_matter);
ATF_TC_BODY(where_the_message_lies_does_not_matter, tc)
{
	const struct siphash_key key = { 1, 2 };
	uint8_t room[64];
	uint64_t first = 0, hash;
	size_t i;

	for (i = 0; i < 8; i++) {
		memset(room, 0xff, sizeof(room));
		memcpy(room + i, "www.example.com", 15);
		hash = siphash(&key, room + i, 15);
		ATF_CHECK(i == 0 || hash == first);
		first = hash;
	}
}

ATF_TC_WITHOUT_HEAD(two_random_keys_differ);
ATF_TC_BODY(two_random_keys_differ, tc)
{
	struct siphash_key a = { 0, 0 }, b = { 0, 0 };

	siphash_key_random(&a);
	siphash_key_random(&b);
	ATF_CHECK(a.k0 != 0 && a.k1 != 0);
	ATF_CHECK(a.k0 != b.k0 && a.k1 != b.k1);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, the_papers_message_has_the_papers_hash);
	ATF_TP_ADD_TC(tp, lengths_around_a_word_have_the_authors_hashes);
	ATF_TP_ADD_TC(tp, seven_bytes_in_a_word_have_the_same_hash);
	ATF_TP_ADD_TC(tp, where_the_message_lies_does_not_matter);
	ATF_TP_ADD_TC(tp, two_random_keys_differ);
	return atf_no_error();
}
