# Who may ask, on which address, and who answers: from the address that was
# asked, and for one client always the same worker.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

start_all() { # LINE ... of the config
	pki
	make_zone
	up=$(free_port)
	start_unbound "$up"
	conf_for "$port" "$up" "$@"
	start_dotproxy
}

a_question() {
	message 0100 1 0 0 1 \
	    "$(question_hex a.zone.example)00002904d0000000000000"
}

# asked SERVER SOURCE PATTERN: over UDP and TCP
asked() {
	for _t in "" -t; do
		# shellcheck disable=SC2086 # an option, or none
		"$ask" $_t -p "$port" -s "$1" -b "$2" "$(a_question)" \
		    >out 2>&1
		grep -Eq -- "$3" out ||
		    { cat out; show_logs; atf_fail "$2 asks $1 $_t: not $3"; }
	done
}

testcase a_client_outside_of_allow_from_is_refused_with_a_reason 30 unbound ss
a_client_outside_of_allow_from_is_refused_with_a_reason_body() {
	port=$(free_port)
	start_all 'allow from { 127.0.0.1 127.0.1.0/24 }' 'no cache'
	asked 127.0.0.1 127.0.0.1 'rcode=0 .* counts=1/1/'
	asked 127.0.0.1 127.0.1.200 'rcode=0 '
	asked 127.0.0.1 127.0.0.9 'rcode=5 .* ede=18 '
	asked 127.0.0.1 127.0.2.1 'rcode=5 .* ede=18 '
	counts_to queries_refused_client 4
	[ "$(grep -c '127.0.0.1 a.zone.example' unbound.log)" -eq 4 ] ||
	    atf_fail "a refused question reached the upstream"
}

testcase every_listen_address_answers_and_no_other 40 unbound ss
every_listen_address_answers_and_no_other_body() {
	grep -q . /proc/net/if_inet6 || atf_skip "no IPv6 here"
	port=$(free_port)
	other=$(free_port)
	start_all "listen on 127.0.0.4 port $port" "listen on ::1 port $port" \
	    "listen on 127.0.0.1 port $other"
	asked 127.0.0.1 127.0.0.1 'rcode=0 '
	asked 127.0.0.4 127.0.0.1 'rcode=0 '
	asked ::1 ::1 'rcode=0 '
	port=$other asked 127.0.0.1 127.0.0.7 'rcode=0 '
	"$ask" -p "$port" -s 127.0.0.5 -w 500 "$(a_question)" >out
	grep -q 'port unreachable' out || { cat out; atf_fail "127.0.0.5"; }
}

testcase a_wildcard_address_answers_from_the_address_that_was_asked 40 \
    unbound ss
a_wildcard_address_answers_from_the_address_that_was_asked_body() {
	port=$(free_port)
	pki
	make_zone
	up=$(free_port)
	start_unbound "$up"
	conf_for "$port" "$up"
	sed -i "s/^listen on 127.0.0.1/listen on 0.0.0.0/" dotproxy.conf
	! grep -q . /proc/net/if_inet6 ||
	    echo "listen on :: port $port" >>dotproxy.conf
	start_dotproxy
	# ask's socket is connected: from elsewhere it would see nothing.
	asked 127.0.0.1 127.0.0.1 'rcode=0 '
	asked 127.0.0.3 127.0.0.1 'rcode=0 '
	asked 127.1.2.3 127.0.0.8 'rcode=0 '
	! grep -q . /proc/net/if_inet6 || asked ::1 ::1 'rcode=0 '
	# Errors of our own, too.
	"$ask" -p "$port" -s 127.0.0.3 "$(message 2100 1 0 0 0 \
	    "$(question_hex a.zone.example)")" >out ||
	    { cat out; atf_fail "no NOTIMP from the address asked"; }
}

testcase one_client_address_always_meets_one_worker 40 unbound ss
one_client_address_always_meets_one_worker_body() {
	port=$(free_port)
	workers=4
	start_all
	touch before
	asked=0
	for client in 1 2 3 4 5 6 7 8 9 10 11 12; do
		# From many ports, over UDP and TCP.
		for i in 1 2 3; do
			asked 127.0.0.1 "127.0.0.$client" 'rcode=0 '
		done
		asked=$((asked + 6))
		must 5 counted_all "$asked"
		[ "$(comm -13 before after | wc -l)" -eq 1 ] || {
			diff before after
			atf_fail "127.0.0.$client did not meet one worker"
		}
		mv after before
	done
	[ "$(wc -l <before)" -gt 1 ] ||
	    atf_fail "all twelve met the same worker"
}

# "0 18" for each worker that was asked anything, UDP and TCP together, as
# ./after; true when it is this many in all.
counted_all() {
	ask_for_counters
	sed -n 's/.*worker \([0-9]*\): queries_\(udp\|tcp\) /\1 /p' counters |
	    awk '{ n[$1] += $2 } END { for (w in n) print w, n[w] }' |
	    sort >after
	[ "$(awk '{ n += $2 } END { print n + 0 }' after)" -eq "$1" ]
}

atf_init_test_cases() {
	atf_add_test_case a_client_outside_of_allow_from_is_refused_with_a_reason
	atf_add_test_case every_listen_address_answers_and_no_other
	atf_add_test_case \
	    a_wildcard_address_answers_from_the_address_that_was_asked
	atf_add_test_case one_client_address_always_meets_one_worker
}
