# Floods: whoever else asks is answered all the same, and so is who has to bear
# that others send in its name. In network namespaces of their own, so as root.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"
. "$(atf_get_srcdir)/apart.sh"
. "$(atf_get_srcdir)/crowded.sh"

start_crowded() { # LINE ... of the config
	crowd_up
	serve_crowd 10.64.0.1 "$@"
}

start_crowded6() { # LINE ... of the config
	crowd_up
	crowd_up6
	serve_crowd 2001:db8:8000::1 "$@"
}

serve_crowd() { # WHO-ASKS-FIRST LINE ... of the config
	_first=$1
	shift
	atf_require_prog "$upstream"
	pki
	log_queries=no start_behind
	printf '%s\n' "$@" | conf_crowded
	start_dotproxy
	from "$_first" first.example >/dev/null || atf_fail "no answer"
}

from() { # ADDRESS dig's arguments: true if it is answered NOERROR
	_from=$1
	shift
	outside dig -b "$_from" +time=2 +tries=1 @"$server" "$@" >dig.out ||
	    return 1
	grep -q 'status: NOERROR' dig.out
}

# flood's arguments; it goes on while the case does
flood_on() {
	in_background flood.out nsenter -t "$out" -n "$here/flood" \
	    -s "$server" -p 53 "$@"
	flooder=$pid
}

flood_is_over() {
	must 15 is_gone "$flooder"
	cat flood.out
}

as=root testcase a_flood_from_one_address_costs_nobody_else_an_answer 60 ip \
    nsenter unshare
a_flood_from_one_address_costs_nobody_else_an_answer_body() {
	start_crowded
	# They have been there before, so that overload does not turn them away.
	run_crowd -b 10.64.1.1 -c 20 -q 200 -n 200 'www.b%.example'
	flood_on -b 10.65.0.1 -q 60000 -n 240000
	run_crowd -b 10.64.1.1 -c 20 -q 500 -n 1000 -r 500 -w 20000 \
	    'www.c%.example'
	flood_is_over
	all_are_answered 1000
	# What a busy machine lost was asked again; but nobody was mistaken for
	# the flooder, half of whom is told TC=1.
	[ "$(figure truncated)" -eq 0 ] || atf_fail "$(cat load.out)"
	# It was read by the clock, and now is not.
	counted udp_rests 100
	from 10.64.0.1 after.example || atf_fail "nobody is answered"
	counted limit_dropped 100
}

all_are_answered() {
	if [ "$(figure answered)" -ne "$1" ] ||
	    [ "$(figure noerror)" -ne "$1" ]; then
		show_logs
		atf_fail "$(cat load.out)"
	fi
}

# Each packet has another address and another name, and every 64th is in the
# victim's name: hundreds a second, so that it is over its limit.
as=root testcase forged_addresses_keep_no_victim_from_its_answers 90 ip kdig \
    nsenter unshare
forged_addresses_keep_no_victim_from_its_answers_body() {
	start_crowded
	# They have been there before; the other victim has a cookie, then.
	run_crowd -b 10.64.1.1 -c 20 -q 200 -n 200 'www.b%.example'
	flood_on -m 2000000 -v 10.64.2.1 -e 64 -q 60000 -n 600000 -t 10
	run_crowd -b 10.64.1.1 -c 20 -q 500 -n 1000 -r 500 -w 20000 \
	    'www.c%.example' &
	crowd=$!
	into=victim.out run_crowd -b 10.64.2.1 -q 20 -n 100 -r 100 -w 10000 \
	    'www.v%.example' &
	victim=$!
	into=cookie.out run_crowd -k -b 10.64.2.1 -q 20 -n 100 -r 100 \
	    -w 10000 'www.k%.example'
	is_told dig -b 10.64.2.1 +cookie +time=1 +tries=10 d.example
	is_told kdig -b 10.64.2.1 +cookie +time=1 +retry=9 k.example
	wait "$crowd" "$victim" || :
	flood_is_over
	all_are_answered 1000
	[ "$(figure truncated)" -eq 0 ] || atf_fail "$(cat load.out)"
	# By TCP, as it was told to come ...
	grep -q ' noerror=100 ' victim.out || atf_fail "the victim"
	grep -q ' tcp=[1-9]' victim.out || atf_fail "nobody told it"
	# ... or with the cookie it got there.
	grep -q ' noerror=100 ' cookie.out || atf_fail "the one with a cookie"
	[ "$(sed -n 's/.* cookie=\([0-9]*\).*/\1/p' cookie.out)" -ge 50 ] ||
	    atf_fail "its cookie did not help"
}

is_told() { # COMMAND ...
	_client=$1
	shift
	outside "$_client" @"$server" "$@" >told.out 2>&1 || :
	grep -q 'status: NOERROR' told.out ||
	    { cat told.out; atf_fail "$_client has no answer"; }
}

# It is silent about these names, so that each takes a place until it is given
# up; others' are answered in time all the same.
as=root testcase a_flood_of_one_zones_names_leaves_other_zones_their_place 60 \
    ip nsenter unshare
a_flood_of_one_zones_names_leaves_other_zones_their_place_body() {
	start_crowded
	run_crowd -b 10.64.1.1 -c 20 -q 200 -n 200 'www.b%.example'
	flood_on -b 10.67.0.1 -m 2000 -q 20000 -n 100000 \
	    -z slow-4000.example
	run_crowd -b 10.64.1.1 -c 20 -q 250 -n 1000 -w 2000 'www.c%.example'
	flood_is_over
	[ "$(figure noerror)" -ge 990 ] || atf_fail "$(cat load.out)"
	counted limit_zone 1000
}

as=root testcase a_zones_own_limit_bounds_what_goes_upstream 60 ip nsenter \
    unshare
a_zones_own_limit_bounds_what_goes_upstream_body() {
	start_crowded 'limit zone rate 50 burst 50'
	_begin=$(now_ms)
	flood_on -b 10.67.0.1 -m 200 -q 2000 -n 4000 -z torture.example
	run_crowd -b 10.64.1.1 -c 20 -q 100 -n 200 'www.c%.example'
	flood_is_over
	all_are_answered 200
	_asked=$(counter upstream_queries)
	# 50 a second for as long as it took, and 50 at once; the crowd, the
	# first, and what the TLS process asks by itself, or again.
	_most=$((50 * ($(now_ms) - _begin) / 1000 + 50 + 200 + 1 + 50))
	[ "$_asked" -le "$_most" ] ||
	    atf_fail "$_asked went upstream, and not $_most"
	counted limit_zone 1000
}

as=root testcase over_the_limit_udp_is_truncated_and_tcp_refused 40 ip nsenter \
    unshare
over_the_limit_udp_is_truncated_and_tcp_refused_body() {
	start_crowded 'limit rate 10 burst 10' 'limit slip 1' 'no block' \
	    'limit exempt 10.64.5.0/24'
	# One of 16 leaks, the others are told to come by TCP.
	run_crowd -u -b 10.64.4.1 -q 500 -n 200 -w 500 'www.u%.example'
	[ "$(figure truncated)" -ge 150 ] || atf_fail "$(cat load.out)"
	[ "$(figure answered)" -ge 10 ] || atf_fail "$(cat load.out)"
	# What it pays over TCP is its own. A connection ends with its refusal.
	run_crowd -t -b 10.64.4.1 -q 500 -n 200 -w 1000 'www.t%.example'
	[ "$(figure refused)" -ge 100 ] || atf_fail "$(cat load.out)"
	outside dig -b 10.64.4.1 +tcp +time=2 +tries=1 @"$server" \
	    w.example >dig.out || :
	in_answer 'status: REFUSED'
	in_answer 'EDE: 18 '
	outside kdig -b 10.64.4.1 +tcp +keepopen +time=2 +retry=0 @"$server" \
	    x.example y.example >kdig.out 2>&1 || :
	_refused=$(grep -c 'status: REFUSED' kdig.out || :)
	if [ "$_refused" -lt 1 ] || [ "$_refused" -gt 2 ]; then
		atf_fail "kdig was refused $_refused times"
	fi
	# Who is exempt asks as it likes, by either.
	run_crowd -u -b 10.64.5.1 -q 500 -n 400 'www.e%.example'
	all_are_answered 400
	run_crowd -t -b 10.64.5.1 -q 500 -n 400 'www.f%.example'
	all_are_answered 400
}

# A client is a /56, whatever else its addresses have.
as=root testcase an_ipv6_client_over_the_limit_is_truncated_and_refused 40 ip \
    nsenter unshare
an_ipv6_client_over_the_limit_is_truncated_and_refused_body() {
	start_crowded6 'limit rate 1 burst 10' 'limit slip 1' 'no block'
	# What it says to whom it leaks, it pays for: at most a burst.
	run_crowd -u -b 2001:db8:8001:100::1 -c 20 -d 64 -q 500 -n 200 \
	    -w 500 'www.u%.example'
	[ "$(figure truncated)" -ge 100 ] || atf_fail "$(cat load.out)"
	[ "$(figure answered)" -ge 5 ] || atf_fail "$(cat load.out)"
	run_crowd -t -b 2001:db8:8001:100::1 -c 20 -d 64 -q 500 -n 200 \
	    -w 1000 'www.t%.example'
	[ "$(figure refused)" -ge 100 ] || atf_fail "$(cat load.out)"
	# The next /56 has a bucket of its own.
	run_crowd -u -b 2001:db8:8001:200::1 -c 10 -d 64 -q 100 -n 10 \
	    'www.n%.example'
	all_are_answered 10
}

# Each /56 asks no more than its burst; that is for 16 of them.
as=root testcase whoever_has_a_48_is_one_client_in_all 40 ip nsenter unshare
whoever_has_a_48_is_one_client_in_all_body() {
	start_crowded6 'limit rate 1 burst 8' 'limit slip 1' 'no block'
	run_crowd -u -b 2001:db8:8001::1 -c 64 -d 56 -q 1000 -n 512 -w 500 \
	    'www.u%.example'
	[ "$(figure answered)" -ge 100 ] || atf_fail "$(cat load.out)"
	[ "$(figure truncated)" -ge 100 ] || atf_fail "$(cat load.out)"
	[ "$(counter limit_slipped)" -ge 100 ] || atf_fail "by something else"
	# As many, of a /48 each, are 64 clients.
	run_crowd -u -b 2001:db8:9001::1 -c 64 -d 48 -q 1000 -n 512 \
	    'www.n%.example'
	all_are_answered 512
}

as=root testcase a_block_outlives_a_worker_and_a_reload_and_ends 60 ip nsenter \
    unshare
a_block_outlives_a_worker_and_a_reload_and_ends_body() {
	start_crowded 'limit rate 10 burst 10' \
	    'block after 50 over 10s for 8s max 1m'
	flood_on -b 10.65.0.1 -q 500 -n 500
	flood_is_over
	says '10\.65\.0\.1 is blocked over UDP for 8 s'
	kill -9 "$(child worker)" || atf_fail "no worker"
	says 'starting again'
	must 5 from 10.64.0.1 after-it.example
	is_blocked
	kill -HUP "$dotproxy"
	says 'reloaded'
	is_blocked
	from 10.64.0.1 others.example || atf_fail "another is blocked"
	must 15 grep -q '10\.65\.0\.1 is blocked no more' dotproxy.log
	blocked=$(counter blocked_udp)
	send_ten
	atf_check_equal "$blocked" "$(counter blocked_udp)"
}

# Whatever is sent in that name is dropped before it is read.
is_blocked() {
	blocked=$(counter blocked_udp)
	cut=$(counter blocked_cut)
	send_ten
	blocked_more=$(($(counter blocked_udp) + $(counter blocked_cut) -
	    blocked - cut))
	[ "$blocked_more" -eq 10 ] || atf_fail "$blocked_more of 10 are dropped"
}

send_ten() {
	_read=$(counter queries_udp)
	run_flood -b 10.65.0.1 -q 100 -n 10
	counted queries_udp $((_read + 10))
}

as=root testcase who_is_blocked_by_the_config_gets_nothing 40 ip nsenter unshare
who_is_blocked_by_the_config_gets_nothing_body() {
	start_crowded 'block { 10.64.8.0/24 }'
	from 10.64.9.1 one.example || atf_fail "another is blocked"
	from 10.64.8.1 one.example && atf_fail "over UDP"
	from 10.64.8.1 +tcp one.example && atf_fail "over TCP"
	counts_to blocked_udp 1
}

atf_init_test_cases() {
	atf_add_test_case a_flood_from_one_address_costs_nobody_else_an_answer
	atf_add_test_case forged_addresses_keep_no_victim_from_its_answers
	atf_add_test_case \
	    a_flood_of_one_zones_names_leaves_other_zones_their_place
	atf_add_test_case a_zones_own_limit_bounds_what_goes_upstream
	atf_add_test_case over_the_limit_udp_is_truncated_and_tcp_refused
	atf_add_test_case an_ipv6_client_over_the_limit_is_truncated_and_refused
	atf_add_test_case whoever_has_a_48_is_one_client_in_all
	atf_add_test_case a_block_outlives_a_worker_and_a_reload_and_ends
	atf_add_test_case who_is_blocked_by_the_config_gets_nothing
}
