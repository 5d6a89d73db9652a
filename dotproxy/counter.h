/*
 * The one table of counters: a name, who counts it, and what it means. Logs,
 * man pages and (later) metrics all come from it. A process counts in its own
 * array, which the parent logs beside those of the others when asked.
 */
#ifndef DOTPROXY_COUNTER_H
#define DOTPROXY_COUNTER_H

#include <stdint.h>

#define COUNTER_TABLE(X)                                                       \
	X(queries_udp, "questions received over UDP")                          \
	X(queries_tcp, "questions received over TCP")                          \
	X(queries_dropped, "messages dropped: too short, or a response")       \
	X(queries_formerr, "questions answered FORMERR")                       \
	X(queries_notimp, "questions answered NOTIMP")                         \
	X(queries_badvers, "questions answered BADVERS")                       \
	X(queries_refused_type, "zone transfers answered REFUSED")             \
	X(queries_refused_recursion, "questions without RD not in the cache")  \
	X(queries_refused_client, "questions REFUSED by allow from")           \
	X(limit_dropped, "questions dropped: over the client's limit")         \
	X(limit_slipped, "questions over the client's limit answered TC=1")    \
	X(limit_leaked, "questions over the client's limit let through")       \
	X(limit_refused, "questions over TCP REFUSED: over the limit")         \
	X(limit_zone,                                                          \
	    "questions answered SERVFAIL: too many beneath one name")          \
	X(overload_begun, "times that more came than could be served")         \
	X(overload_cut, "questions of strangers answered TC=1: overload")      \
	X(overload_dropped, "questions dropped: overload")                     \
	X(queries_unproven,                                                    \
	    "questions answered BADCOOKIE, or TC=1 without one")               \
	X(blocked_udp, "questions dropped: the client is blocked")             \
	X(blocked_cut, "questions of blocked clients told to come by TCP")     \
	X(blocks_put_off, "blocks asked for later, if still due: too many")    \
	X(tcp_blocked, "TCP connections closed: the client is blocked")        \
	X(cookies_good, "questions with a valid cookie")                       \
	X(cookies_bad, "questions with a cookie too old, or not ours")         \
	X(special_answers,                                                     \
	    "questions answered here: special names, local data")              \
	X(cache_hits, "questions answered from the cache")                     \
	X(cache_misses, "questions that the cache had no answer to")           \
	X(cache_stale, "answers of before given while upstreams fail")         \
	X(cache_failed, "questions not asked again: it has just failed")       \
	X(cache_prefetched, "answers asked for again before they end")         \
	X(cache_not_kept, "answers not kept: in use by another, or too large") \
	X(queries_forwarded, "questions handed to the TLS process")            \
	X(queries_shed, "questions answered SERVFAIL: too many in flight")     \
	X(queries_timeout, "questions answered SERVFAIL: no answer in time")   \
	X(queries_failed, "questions answered SERVFAIL: upstreams failed")     \
	X(answers_upstream, "answers of an upstream given to a client")        \
	X(answers_truncated, "answers sent over UDP with TC=1")                \
	X(answers_late, "answers for questions no longer waiting")             \
	X(answers_bad, "answers of the TLS process that do not parse")         \
	X(udp_receive_dropped, "questions the kernel dropped: buffer full")    \
	X(udp_rests, "times that a flooded socket was read by the clock")      \
	X(udp_send_dropped, "answers not sent over UDP: buffer or route")      \
	X(tcp_accepted, "TCP connections accepted")                            \
	X(tcp_refused, "TCP connections closed: too many")                     \
	X(tcp_displaced, "TCP connections closed for another: none free")      \
	X(tcp_idle, "TCP connections closed: idle")                            \
	X(tcp_half, "TCP connections closed: half a question")                 \
	X(tcp_slow, "TCP connections closed: answers not read")                \
	X(tcp_lost, "answers for TCP connections already closed")              \
	X(upstream_queries, "questions written to upstreams")                  \
	X(upstream_shared, "questions that joined the same one in flight")     \
	X(upstream_retried, "questions asked again on another connection")     \
	X(upstream_hedged, "questions asked again: no answer in time")         \
	X(upstream_withheld, "questions not asked again: over the budget")     \
	X(upstream_raced, "questions asked of two upstreams at once")          \
	X(upstream_again, "questions asked again: SERVFAIL or REFUSED")        \
	X(upstream_suspects, "addresses of upstreams that became suspect")     \
	X(upstream_probes, "questions of our own: does it still answer?")      \
	X(upstream_answers, "answers taken from upstreams")                    \
	X(upstream_unasked, "upstream messages ignored: nobody asked")         \
	X(upstream_mismatched, "upstream messages ignored: wrong question")    \
	X(upstream_malformed, "upstream messages ignored: malformed")          \
	X(upstream_truncated, "answers cut for UDP: asked again over TCP")     \
	X(upstream_recased, "answers in other letters: asked over TCP")        \
	X(upstream_lost, "datagrams lost: what they asked is asked again")     \
	X(upstream_retired, "UDP sockets left, for another port")              \
	X(upstream_attacked, "UDP sockets closed: what came was not asked")    \
	X(upstream_excused, "times late itself, so no upstream was blamed")    \
	X(upstream_overdue, "questions an upstream left unanswered")           \
	X(upstream_connects, "connections asked of the parent")                \
	X(upstream_connected, "connections verified and in use")               \
	X(upstream_refused, "connections refused: certificate or pin")         \
	X(upstream_no_pin, "connections refused of these: no pin matched")     \
	X(upstream_failed, "connections that failed otherwise")                \
	X(upstream_closed, "connections ended by the upstream")                \
	X(upstream_idle, "connections retired idle")                           \
	X(upstream_shed, "questions turned away: too many in flight")          \
	X(proxy_connected, "connections that a SOCKS proxy made")              \
	X(proxy_failed, "connections that a SOCKS proxy did not make")         \
	X(ipc_stalled, "answers made SERVFAIL: a worker did not keep up")      \
	X(ipc_log_dropped, "log lines dropped: too many of a child")           \
	X(connects_refused, "connections not made for the TLS process")        \
	X(network_changes, "addresses of upstreams reached another way")       \
	X(blocks, "clients blocked, each time")                                \
	X(blocks_refused, "blocks that a worker asked for and did not get")    \
	X(blocks_lifted, "blocks ended by a reload or for a broken worker")    \
	X(kernel_blocks, "blocks put into the kernel")                         \
	X(kernel_failed, "blocks that the kernel did not take")                \
	X(cache_emptied, "times that the cache began anew")                    \
	X(child_restarts, "child processes started again")                     \
	X(child_broken, "child processes killed for breaking a rule")          \
	X(reloads, "configs taken by reload")                                  \
	X(reloads_failed, "configs refused by reload")

enum counter {
#define COUNTER_ENUM(name, help) COUNTER_##name,
	COUNTER_TABLE(COUNTER_ENUM)
#undef COUNTER_ENUM
	    COUNTERS
};

struct counter_text {
	const char *name, *help;
};
extern const struct counter_text counter_text[COUNTERS];

/* This process's own; only ever grow. */
extern uint64_t counter_value[COUNTERS];

/* Logs "name: counter value" for each that is not 0, and last how many they
 * are, so that who reads it knows that this is all. */
void counter_log(const char *name, const uint64_t value[COUNTERS]);

#define counter_inc(name)    ((void)counter_value[COUNTER_##name]++)
#define counter_add(name, n) ((void)(counter_value[COUNTER_##name] += (n)))

#endif
