# DNSSEC goes all the way through: a validating client behind dotproxy
# validates, and what AD, CD and DO mean holds.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# signed.example by nsd, behind an unbound that validates, or does not.
start_signed() { # modules
	pki
	make_zone
	make_signed_zone
	up=$(free_port)
	port=$(free_port)
	back=$(free_port)
	start_nsd "$back"
	unbound_modules=$1
	unbound_conf='
	trust-anchor-file: "anchor.key"
	val-log-level: 2
	ede: yes'
	unbound_end="stub-zone:
		name: \"signed.example\"
		stub-addr: 127.0.0.1@$back
		stub-prime: no
	# Nobody looks for a root in the Internet.
	stub-zone:
		name: \".\"
		stub-addr: 127.0.0.1@$back
		stub-prime: no"
	start_unbound "$up"
	conf_for "$port" "$up"
	start_dotproxy
}

testcase delv_validates_through_dotproxy 40 delv ldns-signzone nsd unbound ss
delv_validates_through_dotproxy_body() {
	start_signed iterator
	for what in "a A" "a AAAA" "txt TXT" "one A" "x.wild A"; do
		# shellcheck disable=SC2086 # name and type
		set -- $what
		delv @127.0.0.1 -p "$port" -a anchor.delv +root=signed.example \
		    "$1.signed.example" "$2" >out 2>&1
		grep -q '^; fully validated' out ||
		    { cat out; show_logs; atf_fail "not validated: $what"; }
	done
	delv @127.0.0.1 -p "$port" -a anchor.delv +root=signed.example \
	    nothing.signed.example A >out 2>&1
	grep -q '^; negative response, fully validated' out ||
	    { cat out; atf_fail "no proof that a name does not exist"; }
	# What is bogus is seen to be.
	delv @127.0.0.1 -p "$port" -a anchor.delv +root=signed.example \
	    bogus.signed.example A >out 2>&1
	grep -q '^;; resolution failed: RRSIG failed to verify' out ||
	    { cat out; atf_fail "bogus, and not refused"; }
}

testcase drill_chases_signatures_through_dotproxy 40 \
    drill ldns-signzone nsd unbound ss
drill_chases_signatures_through_dotproxy_body() {
	start_signed iterator
	drill -S -k anchor.key -p "$port" @127.0.0.1 a.signed.example A >out ||
	    { cat out; atf_fail "drill -S"; }
	grep -Eq 'Chase successful' out || { cat out; atf_fail "not chased"; }
	drill -S -k anchor.key -p "$port" @127.0.0.1 bogus.signed.example A \
	    >out && { cat out; atf_fail "bogus, and chased"; }
	:
}

testcase a_bogus_name_is_servfail_with_the_upstreams_reason 40 \
    ldns-signzone nsd unbound ss
a_bogus_name_is_servfail_with_the_upstreams_reason_body() {
	start_signed "validator iterator"
	answers SERVFAIL bogus.signed.example A
	in_answer 'EDE: (6|7|9|10) '
	# Who validates by itself sees it all the same.
	answers NOERROR +cdflag +dnssec bogus.signed.example A
	in_answer '192\.0\.2\.99'
	in_answer 'RRSIG'
	in_answer 'flags: qr [a-z ]*cd'
	# One answer must not stand for the other.
	answers SERVFAIL bogus.signed.example A
	answers NOERROR +cdflag bogus.signed.example A
}

testcase ad_is_told_only_to_who_asks_with_ad_or_do 40 \
    ldns-signzone nsd unbound ss
ad_is_told_only_to_who_asks_with_ad_or_do_body() {
	start_signed "validator iterator"
	answers NOERROR +adflag a.signed.example A
	in_answer 'flags: qr [a-z ]*ad'
	not_in_answer RRSIG
	answers NOERROR +noadflag +dnssec a.signed.example A
	in_answer 'flags: qr [a-z ]*ad'
	in_answer RRSIG
	answers NOERROR +noadflag a.signed.example A
	not_in_answer 'flags: qr [a-z ]*ad'
	not_in_answer RRSIG
	answers NOERROR +noadflag +noedns a.signed.example A
	not_in_answer 'flags: qr [a-z ]*ad'
	# Not secure: nobody is told that it is.
	answers NOERROR +adflag a.zone.example A
	not_in_answer 'flags: qr [a-z ]*ad'
}

atf_init_test_cases() {
	atf_add_test_case delv_validates_through_dotproxy
	atf_add_test_case drill_chases_signatures_through_dotproxy
	atf_add_test_case a_bogus_name_is_servfail_with_the_upstreams_reason
	atf_add_test_case ad_is_told_only_to_who_asks_with_ad_or_do
}
