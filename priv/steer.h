/*
 * Which worker a client meets: a program for the kernel that chooses the
 * socket of an SO_REUSEPORT group by the client's address alone.
 */
#ifndef PRIV_STEER_H
#define PRIV_STEER_H

#include <linux/filter.h>
#include <stdint.h>

#define STEER_LEN 8 /* instructions, at most */

/*
 * Writes the program for a family (4 or 6) and a number of sockets (> 0); it
 * returns the index of one. Returns how many instructions it has.
 */
uint16_t steer_program(
    struct sock_filter program[STEER_LEN], uint8_t family, uint32_t sockets);

/* Gives it to the group that fd is the first of; 0, or -1 with errno. */
int steer_attach(int fd, uint8_t family, uint32_t sockets);

#endif
