/*
 * The last layer of sandbox.c: the tables of system calls, one for each role.
 * For sandbox.c and nobody else.
 */
#ifndef DOTPROXY_SANDBOX_FILTER_H
#define DOTPROXY_SANDBOX_FILTER_H

#include "sandbox.h"

/*
 * Loads the role's filter, after which nothing but its table is left. What is
 * refused and on the list of reported calls is told to refused (may be NULL)
 * before the process dies. Fatal when the kernel does not take the filter.
 */
void sandbox_filter_load(enum sandbox_role role, void (*refused)(int nr));

#endif
