/*
 * The words of the config language: the token of the grammar (parse.y) that
 * each is, and where it may open a statement. One that is not meant as such is
 * quoted.
 */
#ifndef PARENT_PARSE_KEYWORD_H
#define PARENT_PARSE_KEYWORD_H

#define KEYWORD_TABLE(X)                                                       \
	X("workers", WORKERS, FILE)                                            \
	X("user", USER, FILE)                                                  \
	X("chroot", CHROOT, FILE)                                              \
	X("listen", LISTEN, FILE)                                              \
	X("allow", ALLOW, FILE)                                                \
	X("udp", UDP, FILE)                                                    \
	X("tcp", TCP, FILE)                                                    \
	X("cache", CACHE, FILE)                                                \
	X("no", NO, FILE)                                                      \
	X("special", SPECIAL, FILE)                                            \
	X("cookies", COOKIES, FILE)                                            \
	X("block", BLOCK, FILE)                                                \
	X("local", LOCAL, FILE)                                                \
	X("hosts", HOSTS, FILE)                                                \
	X("limit", LIMIT, FILE)                                                \
	X("amplification", AMPLIFICATION, FILE)                                \
	X("upstream", UPSTREAM, FILE)                                          \
	X("forward", FORWARD, FILE)                                            \
	X("address", ADDRESS, UPSTREAM)                                        \
	X("name", NAME, UPSTREAM)                                              \
	X("ca", CA, UPSTREAM)                                                  \
	X("pin", PIN, UPSTREAM)                                                \
	X("via", VIA, UPSTREAM)                                                \
	X("interface", INTERFACE, UPSTREAM)                                    \
	X("source", SOURCE, UPSTREAM)                                          \
	X("on", ON, NONE)                                                      \
	X("port", PORT, NONE)                                                  \
	X("or", OR, NONE)                                                      \
	X("from", FROM, NONE)                                                  \
	X("size", SIZE, NONE)                                                  \
	X("connections", CONNECTIONS, NONE)                                    \
	X("each", EACH, NONE)                                                  \
	X("to", TO, NONE)                                                      \
	X("ttl", TTL, NONE)                                                    \
	X("min", MIN, NONE)                                                    \
	X("max", MAX, NONE)                                                    \
	X("negative", NEGATIVE, NONE)                                          \
	X("stale", STALE, NONE)                                                \
	X("data", DATA, NONE)                                                  \
	X("require", REQUIRE, NONE)                                            \
	X("for", FOR, NONE)                                                    \
	X("after", AFTER, NONE)                                                \
	X("over", OVER, NONE)                                                  \
	X("kernel", KERNEL, NONE)                                              \
	X("zone", ZONE, NONE)                                                  \
	X("policy", POLICY, NONE)                                              \
	X("plain", PLAIN, NONE)                                                \
	X("rate", RATE, NONE)                                                  \
	X("burst", BURST, NONE)                                                \
	X("prefix", PREFIX, NONE)                                              \
	X("prefix6", PREFIX6, NONE)                                            \
	X("hit", HIT, NONE)                                                    \
	X("cost", COST, NONE)                                                  \
	X("slip", SLIP, NONE)                                                  \
	X("memory", MEMORY, NONE)                                              \
	X("exempt", EXEMPT, NONE)                                              \
	X("off", OFF, NONE)                                                    \
	X("labels", LABELS, NONE)                                              \
	X("socks5", SOCKS5, NONE)                                              \
	X("password", PASSWORD, NONE)

#endif
