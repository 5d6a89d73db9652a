/*
 * Plays the parent and the TLS process to a real dotproxy-worker, over real
 * sockets on loopback. Whatever does not come within some seconds fails the
 * test.
 */
#ifndef REGRESS_WORKER_HARNESS_H
#define REGRESS_WORKER_HARNESS_H

#include <sys/types.h>

#include "dotproxy/ipc.h"
#include "unpriv/dns/answer.h"
#include "unpriv/dns/query.h"

#define HARNESS_SOCKETS 8
#define HARNESS_WAIT_MS 8000

struct harness_socket {
	struct ipc_listen listen; /* with the port the kernel chose */
	int fd;
	bool given_up; /* not part of the next config */
};

struct harness {
	pid_t pid;
	struct ipc parent; /* our end, as the parent */
	struct ipc tls; /* our end, as the TLS process */
	struct ipc_buffer buffer, batch;
	struct ipc_message questions; /* being walked, in batch */
	size_t offset;
	uint32_t layers;
	uint32_t generation;
	uint32_t udp_size, tcp_max, tcp_each;
	struct conf_limit limit; /* none; loopback is exempt */
	const char *allow; /* one prefix */
	uint32_t index, workers; /* 0 of 1 */
	int cache; /* goes with the first config; or -1 */
	uint64_t cache_size; /* as it is said to be */
	uint32_t cache_times; /* how often it is sent: 1 */
	struct harness_socket socket[HARNESS_SOCKETS];
	uint32_t nsockets;
	char log[8192]; /* all lines so far */
};

/* Starts the worker, waits until it is confined; defaults for a config. */
void harness_start(struct harness *h);
/* A socket of the next config, bound to a port of the kernel's choice. */
struct harness_socket *
harness_listen(struct harness *h, const char *address, enum ipc_proto proto);
/* Sends a config and waits until it is taken. */
void harness_configure(struct harness *h);
/* Sends h->cache in the place of the one before. */
void harness_cache(struct harness *h);
/* Sends one that is not to be taken: the worker ends. */
void harness_misconfigure(struct harness *h);
/* Gives the worker a (new) channel to a TLS process, which is us. */
void harness_tls(struct harness *h);
/* All of the above, with a UDP and a TCP socket on 127.0.0.1. */
void harness_up(struct harness *h);

/* Waits for this message of the worker; log lines are taken on the way. */
void
harness_expect(struct harness *h, enum ipc_type type, struct ipc_message *m);
void harness_counters(struct harness *h, struct ipc_counters *counters);
/* Waits for the end of the worker: its wait status. */
int harness_end(struct harness *h);
/* Stops it with IPC_STOP; it must end well. */
void harness_stop(struct harness *h);

/* The next question that the worker asks of the TLS process. */
void harness_question(
    struct harness *h, struct ipc_query *q, struct dns_question *question);
/* Whether one comes within so many milliseconds. */
bool harness_has_question(struct harness *h, int ms);
/* Answers with that many A records; more than a datagram's for UDP's TC. */
void harness_answer(struct harness *h, uint64_t id,
    const struct dns_question *question, unsigned int records);
void harness_answer_raw(
    struct harness *h, uint64_t id, const uint8_t *msg, size_t len);
void
harness_fail(struct harness *h, uint64_t id, uint16_t ede, const char *text);

/* A client's socket, connected to one of the worker's. */
int client_connect(const struct harness_socket *socket);
/* Writes a question for name ("www.example.com."), A, RD, and with edns not 0
 * an OPT that says that size; its length. */
size_t
client_question(uint8_t buf[512], uint16_t id, const char *name, uint16_t edns);
/* The same, sent; for TCP with its length before it. */
void client_ask(
    int fd, enum ipc_proto proto, uint16_t id, const char *name, uint16_t edns);
/* Waits for a message; its length, or 0 at the end of the file. */
size_t
client_receive(int fd, enum ipc_proto proto, uint8_t buf[DNS_MESSAGE_MAX]);
/* Waits for the end of the file (or a reset). */
void client_expect_close(int fd, int ms);
void client_send(int fd, const void *p, size_t len);
/* The header's numbers. */
uint16_t message_id(const uint8_t *msg);
uint16_t message_rcode(const uint8_t *msg);
uint16_t message_flags(const uint8_t *msg);
/* The EDE's code in the OPT of a message without records, or DNS_EDE_NONE. */
uint16_t message_ede(const uint8_t *msg, size_t len);

#endif
