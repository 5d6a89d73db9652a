# Connections of clients over TCP: who is idle, slow or greedy costs nobody
# else anything.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# sixty SIZE: as many questions, whose answers have this many bytes
sixty() {
	_m=$(message 0100 1 0 0 0 "$(question_hex "n00.big-$1.example" 0010)")
	for i in 0 1 2 3 4 5; do
		for k in 0 1 2 3 4 5 6 7 8 9; do
			echo "${_m%%6e3030*}6e3${i}3$k${_m#*6e3030}"
		done
	done
}

all_sixty_came() { # file
	[ "$(grep -c 'rcode=0 .* counts=1/' "$1")" -eq 60 ] ||
	    { cut -c 1-120 "$1"; atf_fail "not all came"; }
}

testcase a_client_that_reads_late_holds_up_nobody_and_gets_all 40 ss
a_client_that_reads_late_holds_up_nobody_and_gets_all_body() {
	workers=1
	start_ours
	# None of them is read for three seconds, nor while others are answered.
	# shellcheck disable=SC2046 # one argument each
	"$ask" -t -l 3000 -w 15000 -p "$port" $(sixty 4000) >lazy.out 2>&1 &
	lazy=$!
	remember "$lazy"
	must 5 grep -q 'big-4000' upstream.queries
	kill -STOP "$lazy"
	# The same worker has others to answer, and does not wait for this one.
	run_load -t -n 400 -q 200 -c 4 'n%.test.example'
	all_answered 400
	run_load -n 200 -q 400 'u%.test.example'
	all_answered 200
	kill -CONT "$lazy"
	wait "$lazy" || :
	all_sixty_came lazy.out
}

testcase sixty_large_answers_asked_for_at_once_all_come 40 ss
sixty_large_answers_asked_for_at_once_all_come_body() {
	start_ours
	# shellcheck disable=SC2046 # one argument each
	"$ask" -t -w 15000 -p "$port" $(sixty 65000) >out 2>&1 || :
	all_sixty_came out
}

testcase a_client_that_asks_and_never_reads_is_let_go 40 ss
a_client_that_asks_and_never_reads_is_let_go_body() {
	workers=1
	start_ours
	# shellcheck disable=SC2046 # one argument each
	"$ask" -t -l 25000 -w 1 -p "$port" $(sixty 65000) >lazy.out 2>&1 &
	remember $!
	must 20 counter_is tcp_slow 1
	answers NOERROR +tcp after.test.example
}

testcase an_idle_connection_is_closed_after_ten_seconds 30 ss
an_idle_connection_is_closed_after_ten_seconds_body() {
	start_ours
	# The second is none, and dropped: so it is waited for in vain.
	"$ask" -t -w 25000 -p "$port" \
	    "$(message 0100 1 0 0 0 "$(question_hex ab.example)")" \
	    8000 >out
	cat out
	# No sooner, which a slow machine cannot help to.
	ms=$(sed -n 's/^closed after \([0-9]*\) ms/\1/p' out)
	[ "${ms:-0}" -ge 9000 ] || atf_fail "closed after ${ms:-no} ms"
	counts_to tcp_idle 1
}

testcase one_client_cannot_take_the_connections_of_all 30 ss
one_client_cannot_take_the_connections_of_all_body() {
	workers=1
	start_ours 'tcp connections each 4' 'tcp connections 20'
	"$load" -p "$port" -b 127.0.0.5 -t -n 64 -q 64 -c 16 -w 3000 \
	    'greedy%.example' >greedy.out 2>&1 &
	remember $!
	must 5 grep -q 'greedy' upstream.queries
	run_load -b 127.0.0.6 -t -n 100 -q 100 -c 4 'n%.test.example'
	all_answered 100
	expect_figure closed -eq 0
	counted tcp_refused
}

# slow_ones ARGUMENT ...: ten thousand of them, from 250 addresses, for 12 s
slow_ones() {
	"$loris" "$@" -n 10000 -p "$port" -t 12 >loris.out 2>&1 &
	loris_pid=$!
	remember "$loris_pid"
}

ten_thousand_came() {
	wait "$loris_pid" || atf_fail "loris: $(cat loris.out)"
	cat loris.out
	[ "$(sed -n 's/.* came=\([0-9]*\) .*/\1/p' loris.out)" -ge 10000 ] ||
	    atf_fail "they were not as many"
}

testcase ten_thousand_slow_questions_keep_nobody_out 60 ss
ten_thousand_slow_questions_keep_nobody_out_body() {
	start_ours
	is_root || atf_skip "so many descriptors are root's"
	slow_ones
	must 10 grep -q '^all 10000 came' loris.out
	# Each a connection of its own, then some that last.
	for i in 1 2 3 4 5 6 7 8; do
		answers NOERROR +tcp "new$i.test.example"
	done
	run_load -t -b 127.0.0.7 -n 200 -q 100 -c 4 'm%.test.example'
	all_answered 200
	expect_figure closed -eq 0
	ten_thousand_came
	counted tcp_displaced 1000
}

testcase ten_thousand_silent_connections_keep_nobody_out 60 ss
ten_thousand_silent_connections_keep_nobody_out_body() {
	! is_sanitized || atf_skip "built with sanitizers: too slow for this"
	start_ours
	is_root || atf_skip "so many descriptors are root's"
	slow_ones -s
	must 10 grep -q '^all 10000 came' loris.out
	run_load -t -b 127.0.0.7 -n 200 -q 100 -c 4 'm%.test.example'
	all_answered 200
	expect_figure closed -eq 0
	ten_thousand_came
}

atf_init_test_cases() {
	atf_add_test_case ten_thousand_slow_questions_keep_nobody_out
	atf_add_test_case ten_thousand_silent_connections_keep_nobody_out
	atf_add_test_case a_client_that_reads_late_holds_up_nobody_and_gets_all
	atf_add_test_case sixty_large_answers_asked_for_at_once_all_come
	atf_add_test_case a_client_that_asks_and_never_reads_is_let_go
	atf_add_test_case an_idle_connection_is_closed_after_ten_seconds
	atf_add_test_case one_client_cannot_take_the_connections_of_all
}
