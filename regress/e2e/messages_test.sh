# What a client may send: sizes, truncation, and messages that no question can
# be read from.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

start_all() { # [LINE of the config]
	pki
	make_zone
	up=$(free_port)
	port=$(free_port)
	start_unbound "$up"
	conf_for "$port" "$up" "$@"
	start_dotproxy
}

# sent PATTERN MESSAGE: over UDP and TCP, what returns is of this shape.
sent() {
	for _t in "" -t; do
		# shellcheck disable=SC2086 # an option, or none
		"$ask" $_t -p "$port" "$2" >out 2>&1 ||
		    { cat out; show_logs; atf_fail "no answer $_t to $2"; }
		grep -Eq -- "$1" out ||
		    { cat out; atf_fail "not like $1 $_t: $2"; }
	done
}

# unanswered MESSAGE: nothing returns; a question after it is answered.
unanswered() {
	"$ask" -p "$port" -w 300 "$1" >out 2>&1 &&
	    { cat out; atf_fail "answered: $1"; }
	grep -q '^unanswered=1' out || { cat out; atf_fail "not silent: $1"; }
	answers NOERROR a.zone.example A
}

testcase an_answer_too_large_for_udp_is_truncated_whole_and_tcp_has_it_all 60 \
    unbound ss
an_answer_too_large_for_udp_is_truncated_whole_and_tcp_has_it_all_body() {
	start_all
	# option, name, TC over UDP, records over TCP
	while read -r how name tc records; do
		answers NOERROR +ignore +notcp "$how" "$name.zone.example" TXT
		if [ "$tc" = tc ]; then
			in_answer 'flags: qr [a-z ]*tc'
			in_answer 'ANSWER: 0, AUTHORITY: 0'
		else
			not_in_answer 'flags: qr [a-z ]*tc'
			in_answer "ANSWER: $records"
		fi
		answers NOERROR "$how" "$name.zone.example" TXT
		in_answer "ANSWER: $records"
		answers NOERROR "$how" +tcp "$name.zone.example" TXT
		in_answer "ANSWER: $records"
	done <<-END
	+noedns txt600 tc 3
	+bufsize=512 txt600 tc 3
	+bufsize=100 txt600 tc 3
	+bufsize=800 txt600 whole 3
	+bufsize=1232 txt1000 whole 4
	+bufsize=1232 txt1300 tc 6
	+bufsize=4096 txt1300 tc 6
	+bufsize=65535 txt4200 tc 17
	+bufsize=65535 txt60000 tc 240
	END
}

testcase udp_size_of_the_config_bounds_what_is_sent_over_udp 40 unbound ss
udp_size_of_the_config_bounds_what_is_sent_over_udp_body() {
	start_all "udp size 4096"
	answers NOERROR +ignore +bufsize=4096 txt1300.zone.example TXT
	not_in_answer 'flags: qr [a-z ]*tc'
	in_answer "ANSWER: 6"
	answers NOERROR +ignore +bufsize=1232 txt1300.zone.example TXT
	in_answer 'flags: qr [a-z ]*tc'
	answers NOERROR +ignore +bufsize=65535 txt4200.zone.example TXT
	in_answer 'flags: qr [a-z ]*tc'
}

testcase the_case_of_a_name_comes_back_as_it_was_sent 30 unbound ss
the_case_of_a_name_comes_back_as_it_was_sent_body() {
	start_all
	for name in A.zOnE.ExAmPlE a.zone.example A.ZONE.EXAMPLE; do
		answers NOERROR "$name" A
		in_answer "^;$name\.[[:space:]]+IN"
	done
	# Asked at the same time, they may share one question upstream.
	"$ask" -p "$port" \
	    "$(message 0100 1 0 0 0 "$(question_hex oNe.zone.example)")" \
	    "$(message 0100 1 0 0 0 "$(question_hex OnE.zone.example)")" >out ||
	    { cat out; atf_fail "no answer"; }
	for name in oNe OnE; do
		grep -q "question=$name.zone.example. " out ||
		    { cat out; atf_fail "another case"; }
	done
}

testcase what_is_not_a_question_is_told_so 40 unbound ss
what_is_not_a_question_is_told_so_body() {
	start_all
	a=$(question_hex a.zone.example)
	opt=00002904d0000000000000
	sent 'id=1dea question=a.zone.example. opcode=0 rcode=0 ' \
	    "$(message 0100 1 0 0 0 "$a")"
	# Opcodes: IQUERY, STATUS, NOTIFY, UPDATE, DSO
	for op in 0900 1100 2100 2900 3100; do
		sent 'id=1dea .* rcode=4 ' "$(message "$op" 1 0 0 0 "$a")"
	done
	sent 'rcode=1 ' "$(message 0100 2 0 0 0 "$a$a")"
	sent 'rcode=1 ' "$(message 0100 0 0 0 0 '')"
	# Trailing garbage; a name that points at itself; one that overruns; a
	# label type that nobody has.
	sent 'rcode=1 ' "$(message 0100 1 0 0 0 "${a}00")"
	sent 'rcode=1 ' "$(message 0100 1 0 0 0 c00c00010001)"
	sent 'rcode=1 ' "$(message 0100 1 0 0 0 3f6100010001)"
	sent 'rcode=1 ' "$(message 0100 1 0 0 0 80610000010001)"
	sent 'rcode=1 ' "$(message 0100 1 0 0 0 "$(name_hex a.example)0001")"
	# A name of 256 bytes.
	long=$(for i in 1 2 3 4; do printf '3f%0126d' 0; done)
	sent 'rcode=1 ' "$(message 0100 1 0 0 0 "${long}0000010001")"
	# Two OPTs; one with another owner; one whose option overruns.
	sent 'rcode=1 ' "$(message 0100 1 0 0 2 "$a$opt$opt")"
	sent 'rcode=1 ' "$(message 0100 1 0 0 1 "${a}0161${opt}")"
	sent 'rcode=1 ' \
	    "$(message 0100 1 0 0 1 "${a}00002904d0000000000004000a0001")"
	# EDNS version 1
	sent 'rcode=16 .* edns=0' \
	    "$(message 0100 1 0 0 1 "${a}00002904d0000100000000")"
	# AXFR and IXFR
	for type in 00fc 00fb; do
		sent 'rcode=5 .* ede=21' "$(message 0100 1 0 0 1 \
		    "$(question_hex zone.example "$type")$opt")"
	done
	counts_to queries_notimp 10
	counts_to queries_badvers 2
	counts_to queries_refused_type 4
}

testcase answers_and_fragments_are_never_answered 40 unbound ss
answers_and_fragments_are_never_answered_body() {
	start_all
	a=$(question_hex a.zone.example)
	unanswered "$(message 8180 1 0 0 0 "$a")"
	unanswered "$(message 8100 0 0 0 0 '')"
	unanswered 1dea01000001000000000
	unanswered 00
	# An empty datagram is one, too.
	unanswered ''
	counts_to queries_dropped 5
}

testcase half_a_question_over_tcp_is_given_up_after_two_seconds 30 unbound ss
half_a_question_over_tcp_is_given_up_after_two_seconds_body() {
	start_all
	"$ask" -t -r -p "$port" -w 25000 001d1dea0100 >out
	cat out
	ms=$(sed -n 's/^closed after \([0-9]*\) ms/\1/p' out)
	# No sooner, which a slow machine cannot help to; and as what it is.
	[ "${ms:-0}" -ge 1500 ] || atf_fail "closed after ${ms:-no} ms"
	counts_to tcp_half 1
	counts_to tcp_idle 0
}

atf_init_test_cases() {
	atf_add_test_case \
	    an_answer_too_large_for_udp_is_truncated_whole_and_tcp_has_it_all
	atf_add_test_case udp_size_of_the_config_bounds_what_is_sent_over_udp
	atf_add_test_case the_case_of_a_name_comes_back_as_it_was_sent
	atf_add_test_case what_is_not_a_question_is_told_so
	atf_add_test_case answers_and_fragments_are_never_answered
	atf_add_test_case half_a_question_over_tcp_is_given_up_after_two_seconds
}
