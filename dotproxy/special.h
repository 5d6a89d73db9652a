/*
 * What is answered without an upstream because of what it is, in one table: a
 * name here, and the word that the config knows it by. A set of them is the
 * sum of 1 << number.
 */
#ifndef DOTPROXY_SPECIAL_H
#define DOTPROXY_SPECIAL_H

#define SPECIAL_TABLE(X)                                                       \
	X(LOCALHOST, "localhost") /* RFC 6761 6.3 */                           \
	X(INVALID, "invalid") /* RFC 6761 6.4 */                               \
	X(TEST, "test") /* RFC 6761 6.2 */                                     \
	X(ONION, "onion") /* RFC 7686 */                                       \
	X(PRIVATE, "private-reverse") /* RFC 6303, RFC 7793 */                 \
	X(HOME, "home.arpa") /* RFC 8375 */                                    \
	X(RESOLVER, "resolver.arpa") /* RFC 9462 */                            \
	X(CANARY, "use-application-dns.net")                                   \
	X(ANY, "any") /* RFC 8482 */

enum special {
#define SPECIAL_ENUM(name, word) SPECIAL_##name,
	SPECIAL_TABLE(SPECIAL_ENUM)
#undef SPECIAL_ENUM
	    SPECIALS
};

#define SPECIAL_ALL ((1u << SPECIALS) - 1)
/*
 * On unless an operator says otherwise: all but "test", which people have
 * their own servers for and which an upstream denies as well, and
 * "use-application-dns.net", which takes browsers' own DoH away from them.
 */
#define SPECIAL_DEFAULT                                                        \
	(SPECIAL_ALL & ~(1u << SPECIAL_TEST | 1u << SPECIAL_CANARY))

/* The config's word, and its number (SPECIALS: there is no such word). */
const char *special_word(enum special number);
enum special special_number(const char *word);

#endif
