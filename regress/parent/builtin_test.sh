# The pins that are built in, computed again from the roots they stand for.

bundle=/etc/ssl/certs/ca-certificates.crt
tool=$(atf_get_srcdir)/conf_print

# "pin name" of each root of the bundle that may be meant.
roots() {
	awk '/BEGIN/ { n++ } { print >("root." n) }' "$bundle"
	for root in root.*; do
		case $(openssl x509 -in "$root" -noout -subject) in
		*SSL.com*|*DigiCert*) ;;
		*)	continue ;;
		esac
		pin=$(openssl x509 -in "$root" -noout -pubkey |
			openssl pkey -pubin -outform DER |
			openssl dgst -sha256 -binary | openssl base64)
		name=$(openssl x509 -in "$root" -noout -subject \
			-nameopt multiline | sed -n 's/ *commonName *= //p')
		echo "$pin $name"
	done
}

atf_test_case the_pins_of_cloudflare_are_those_of_the_installed_roots
the_pins_of_cloudflare_are_those_of_the_installed_roots_head() {
	atf_set require.progs openssl
	atf_set require.files $bundle
}
the_pins_of_cloudflare_are_those_of_the_installed_roots_body() {
	roots >known
	for name in 'SSL.com Root Certification Authority ECC' \
	    'SSL.com Root Certification Authority RSA' \
	    'DigiCert Global Root CA' 'DigiCert Global Root G2' \
	    'DigiCert Global Root G3'; do
		pin=$(grep -F " $name" known | grep "$name\$" | cut -d' ' -f1)
		[ -n "$pin" ] || atf_skip "$bundle does not hold $name"
		echo "$pin"
	done | sort >computed
	: >empty.conf
	chmod 600 empty.conf
	"$tool" empty.conf | sed -n 's,.*pin "sha256/\(.*\)"$,\1,p' |
		sort >built_in
	atf_check -o file:computed cat built_in
}

atf_init_test_cases() {
	atf_add_test_case \
	    the_pins_of_cloudflare_are_those_of_the_installed_roots
}
