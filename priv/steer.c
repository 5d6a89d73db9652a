/*
 * The steering program. It must depend on nothing but the client's address:
 * what a worker knows of a client is worth something only if it sees all of
 * that client.
 */
#include <string.h>
#include <sys/socket.h>

#include "steer.h"

#define FACTOR 0x9e3779b1u /* 2^32 / the golden ratio, odd */

/* Where the source address lies in the network header. */
#define NET ((uint32_t)SKF_NET_OFF)
#define V4  (NET + 12)
#define V6  (NET + 8)

/* Addresses in use differ in few bits, and often not in the last: so they are
 * multiplied, and the upper half decides. */
#define CHOOSE(n)                                                              \
	BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, FACTOR),                           \
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),                           \
	    BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),                            \
	    BPF_STMT(BPF_RET | BPF_A, 0)

uint16_t
steer_program(
    struct sock_filter program[STEER_LEN], uint8_t family, uint32_t sockets)
{
	const struct sock_filter v4[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, V4),
		CHOOSE(sockets),
	};
	/* Who has one address of an IPv6 /64 has them all: it is one client. */
	const struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, V6),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, V6 + 4),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		CHOOSE(sockets),
	};

	_Static_assert(sizeof(v6) <= STEER_LEN * sizeof(v6[0]), "room");
	if (family == 4) {
		memcpy(program, v4, sizeof(v4));
		return sizeof(v4) / sizeof(v4[0]);
	}
	memcpy(program, v6, sizeof(v6));
	return sizeof(v6) / sizeof(v6[0]);
}

int
steer_attach(int fd, uint8_t family, uint32_t sockets)
{
	struct sock_filter program[STEER_LEN];
	struct sock_fprog prog = { .filter = program };

	prog.len = steer_program(program, family, sockets);
	return setsockopt(
	    fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog));
}
